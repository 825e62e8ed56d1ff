import type { ClaimedDelivery } from '@tocsin/contracts';
import type { PushPayload } from '@tocsin/contracts/wire';
import { composeMessage } from '../compose-message';
import { cutTo, manyLines } from '../plain-text';

/** Push services accept 4,096 bytes. The encryption and the push service's own envelope need some of them. */
export const MAX_PAYLOAD_BYTES = 3_500;

/** The length of the ellipsis that `cutTo` adds, in UTF-8 bytes. */
const ELLIPSIS_BYTES = 3;

/** The JSON that a service worker gets, at most 3,500 bytes. A body that does not fit is cut. */
export function pushPayload(delivery: ClaimedDelivery): string {
  const { delivery_id, tenant_id, entry, notification, created_at } = delivery;
  const { subject } = composeMessage(delivery);
  const payload: PushPayload = {
    delivery_id,
    tenant_id,
    alert_id: entry?.alert_id ?? null,
    seq: entry?.seq ?? null,
    severity: (entry ?? notification)!.severity,
    title: subject,
    body: '',
    at: Date.parse(created_at),
  };
  const said = manyLines(((entry ?? notification)!.message ?? '').slice(0, 2 * MAX_PAYLOAD_BYTES));
  const fits = (length: number) =>
    bytesOf({ ...payload, body: said.slice(0, length) }) + ELLIPSIS_BYTES <= MAX_PAYLOAD_BYTES;
  // a binary search for the longest body that fits, because characters differ in their number of bytes
  let [most, tooMany] = [0, said.length + 1];
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2);
    if (fits(middle)) most = middle;
    else tooMany = middle;
  }
  return JSON.stringify({ ...payload, body: cutTo(most, said) });
}

const bytesOf = (value: object): number => Buffer.byteLength(JSON.stringify(value));
