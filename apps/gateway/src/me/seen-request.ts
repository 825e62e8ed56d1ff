import { isTenantId, type TenantId } from '@tocsin/contracts';
import type { SeenPosition } from '@tocsin/contracts/ports';
import { readJsonObject, refuseField, refuseUnknown, type Fields } from '../request/json-object';
import { parseCursor, type SentCursor } from '../positions/cursor';

/** 200 positions, or the longest cursor. */
const MAX_BODY_BYTES = 32 * 1024;
export const MAX_TENANTS = 200;
export const EPOCH = /^[a-z0-9]{1,16}$/;

/** How far somebody says to have seen: by tenant, or as the cursor of a stream. */
type SentSeen =
  | { kind: 'positions'; positions: SeenPosition[] }
  | { kind: 'cursor'; cursor: Extract<SentCursor, { kind: 'positions' }> };

/** The body of `PUT /api/v1/me/cursor`: `{tenants: [{tenant_id, epoch, seq}]}` or `{cursor}`. Throws `Refused`. */
export function readSeen(body: Buffer): SentSeen {
  const fields = readJsonObject(body, ['tenants', 'cursor'], MAX_BODY_BYTES);
  if ((fields.tenants === undefined) === (fields.cursor === undefined))
    refuseField('', 'Either tenants or cursor is expected.');
  return fields.cursor === undefined
    ? { kind: 'positions', positions: positionsOf(fields.tenants) }
    : { kind: 'cursor', cursor: cursorOf(fields.cursor) };
}

function cursorOf(value: unknown): Extract<SentCursor, { kind: 'positions' }> {
  const cursor = typeof value === 'string' ? parseCursor(value) : undefined;
  return cursor?.kind === 'positions'
    ? cursor
    : refuseField('/cursor', 'The cursor of a stream is expected, as its last id says it.');
}

function positionsOf(list: unknown): SeenPosition[] {
  if (!Array.isArray(list)) refuseField('/tenants', 'A list of positions is expected.');
  if (list.length > MAX_TENANTS)
    refuseField('/tenants', `At most ${MAX_TENANTS} tenants are accepted at once.`, 'batch_too_large');
  const named = new Set<TenantId>();
  return list.map((value: unknown, at) => {
    const position = positionOf(value, `/tenants/${at}`);
    if (named.has(position.tenant_id)) refuseField(`/tenants/${at}/tenant_id`, 'This tenant stands there twice.');
    named.add(position.tenant_id);
    return position;
  });
}

function positionOf(value: unknown, at: string): SeenPosition {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuseField(at, 'An object with tenant_id, epoch and seq is expected.');
  refuseUnknown(value as Fields, ['tenant_id', 'epoch', 'seq'], at);
  const { tenant_id, epoch, seq } = value as Fields;
  if (!isTenantId(tenant_id)) refuseField(`${at}/tenant_id`, 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.');
  if (typeof epoch !== 'string' || !EPOCH.test(epoch))
    refuseField(`${at}/epoch`, "The first part of a stream's cursor is expected.");
  if (!Number.isSafeInteger(seq) || Number(seq) < 0) refuseField(`${at}/seq`, 'The number of an entry is expected.');
  return { tenant_id, epoch, seq: Number(seq) };
}
