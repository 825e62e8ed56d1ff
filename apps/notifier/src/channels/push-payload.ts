import type { ClaimedDelivery } from '@tocsin/contracts';
import type { PushPayload } from '@tocsin/contracts/wire';
import { composeMessage } from '../compose-message';
import { cutTo, manyLines } from '../plain-text';

/** Push services take 4,096 bytes, of which the encryption and a push service's own envelope need some. */
export const MAX_PAYLOAD_BYTES = 3_500;

/** What `cutTo` ends a text with, in UTF-8. */
const ELLIPSIS_BYTES = 3;

/** What a service worker gets, as JSON of at most 3,500 bytes: what does not fit is cut from the body. */
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
  // the longest body that fits, by halves: how many bytes a character needs depends on the character
  let [most, tooMany] = [0, said.length + 1];
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2);
    if (fits(middle)) most = middle;
    else tooMany = middle;
  }
  return JSON.stringify({ ...payload, body: cutTo(most, said) });
}

const bytesOf = (value: object): number => Buffer.byteLength(JSON.stringify(value));
