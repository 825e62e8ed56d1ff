import { isTenantId, Refused, type TenantId } from '@tocsin/contracts';
import { DEAD_LETTER_STATUSES, type DeadLetterFilter, type DeadLetterQuery } from '@tocsin/contracts/ports';
import { readJsonObject, refuseField, type Fields } from '../request/json-object';

/** A filter and a sentence. */
const MAX_BODY_BYTES = 4 * 1024;
export const DEFAULT_PAGE = 50;
export const MAX_PAGE = 500;
/** The most letters of one call, which bounds its time: a set is worked off call by call. */
export const MAX_AT_ONCE = 500;
export const MAX_NOTE_LENGTH = 500;
export const CODE = /^[a-z_]{1,64}$/;

/** Many letters at once: those that are open and match, the oldest first. */
export interface ManyLetters extends DeadLetterFilter {
  up_to: number | null;
  limit: number;
}

/** The number in a path. Whatever is none is the number of no letter. Throws `Refused` (`not_found`). */
export function readNumber(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Refused('not_found', 'There is no such dead letter.');
  return Number(text);
}

/** `?tenant=&reason=&status=&limit=&cursor=`. Others are ignored. Throws `Refused` (`invalid_parameter`). */
export function readQuery(url: string | undefined): DeadLetterQuery {
  const query = new URL(url ?? '/', 'http://localhost').searchParams;
  const given = (name: string) => query.get(name) || undefined;
  const status = given('status') ?? 'open';
  const known = DEAD_LETTER_STATUSES.find((one) => one === status);
  if (!known && status !== 'all') badParameter('status', `One of ${DEAD_LETTER_STATUSES.join(', ')}, all is expected.`);
  const limit = given('limit') ?? String(DEFAULT_PAGE);
  if (!/^\d{1,6}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_PAGE)
    badParameter('limit', `1 to ${MAX_PAGE} letters can be asked for.`);
  const cursor = given('cursor');
  if (cursor !== undefined && !/^\d{1,15}$/.test(cursor))
    badParameter('cursor', 'The cursor of the page before is expected.');
  const tenant = given('tenant') ?? given('tenant_id') ?? null;
  if (tenant !== null && !isTenantId(tenant)) badParameter('tenant', 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.');
  const reason = given('reason') ?? null;
  if (reason !== null && !CODE.test(reason)) badParameter('reason', 'A reason is a word such as invalid_field.');
  return {
    tenant_id: tenant as TenantId | null,
    reason,
    status: known ?? null,
    behind: cursor === undefined ? null : Number(cursor),
    limit: Number(limit),
  };
}

/** `{ "note": "…" }`: why a letter is discarded. Throws `Refused`. */
export const readNote = (body: Buffer): string => noteOf(readJsonObject(body, ['note'], MAX_BODY_BYTES));

/** `{ "tenant_id"?, "reason"?, "up_to"?, "limit"? }`; no body at all means every open letter within reach. Throws `Refused`. */
export const readMany = (body: Buffer): ManyLetters =>
  manyOf(readJsonObject(body, ['tenant_id', 'reason', 'up_to', 'limit'], MAX_BODY_BYTES));

/** The same with a `note`. */
export function readManyWithNote(body: Buffer): ManyLetters & { note: string } {
  const fields = readJsonObject(body, ['tenant_id', 'reason', 'up_to', 'limit', 'note'], MAX_BODY_BYTES);
  return { ...manyOf(fields), note: noteOf(fields) };
}

function noteOf({ note }: Fields): string {
  if (typeof note !== 'string' || note.trim() === '' || note.length > MAX_NOTE_LENGTH)
    refuseField('/note', `A note says in 1 to ${MAX_NOTE_LENGTH} characters why.`);
  return (note as string).trim();
}

function manyOf({ tenant_id = null, reason = null, up_to = null, limit = MAX_AT_ONCE }: Fields): ManyLetters {
  if (tenant_id !== null && !isTenantId(tenant_id))
    refuseField('/tenant_id', 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.');
  if (reason !== null && !(typeof reason === 'string' && CODE.test(reason)))
    refuseField('/reason', 'A reason is a word such as invalid_field.');
  if (up_to !== null && !(Number.isSafeInteger(up_to) && Number(up_to) >= 0))
    refuseField('/up_to', 'The up_to of the call before is expected.');
  if (!Number.isSafeInteger(limit) || Number(limit) < 1 || Number(limit) > MAX_AT_ONCE)
    refuseField('/limit', `1 to ${MAX_AT_ONCE} letters can be decided at once.`);
  return {
    tenant_id: tenant_id as TenantId | null,
    reason: reason as string | null,
    up_to: up_to as number | null,
    limit: limit as number,
  };
}

function badParameter(parameter: string, detail: string): never {
  throw new Refused('invalid_parameter', `${parameter} is not valid.`, {
    errors: [{ parameter, code: 'invalid_parameter', detail }],
  });
}
