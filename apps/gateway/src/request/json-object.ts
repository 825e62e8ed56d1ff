import { decodeBody, didYouMean } from '@tocsin/messages';
import { MAX_ERRORS, pointerPart, Refused, type ErrorCode } from '@tocsin/contracts';
import type { Request } from 'express';

export type Fields = Readonly<Record<string, unknown>>;

/** The bytes of a request's body, which says that it is JSON. Empty when there is none. Throws `Refused`. */
export function jsonBodyOf(request: Request): Buffer {
  const { body } = request as { body: unknown };
  if (!Buffer.isBuffer(body) || body.length === 0) return Buffer.alloc(0);
  if (!request.is(['json', '+json'])) throw new Refused('unsupported_media_type', 'The body must be application/json.');
  return body;
}

/**
 * A body as a JSON object that has none but these fields, so that nothing is passed over that somebody meant. No body at all
 * is an object without fields. Throws `Refused`, with a pointer to what is wrong.
 */
export function readJsonObject(body: Buffer, known: readonly string[], maxBytes: number): Fields {
  if (body.length === 0) return {};
  const decoded = decodeBody(body, maxBytes);
  if (!decoded.ok)
    throw new Refused(decoded.code === 'message_too_large' ? 'body_too_large' : decoded.code, decoded.detail);
  if (typeof decoded.value !== 'object' || decoded.value === null || Array.isArray(decoded.value))
    throw new Refused('invalid_json', 'The body must be a JSON object.');
  refuseUnknown(decoded.value as Fields, known, '');
  return decoded.value as Fields;
}

/** Throws `Refused` (`unknown_field`) with a pointer to each field that is none of the known ones. `at` points to the object. */
export function refuseUnknown(fields: Fields, known: readonly string[], at: string): void {
  const unknown = Object.keys(fields).filter((name) => !known.includes(name));
  const errors = unknown.slice(0, MAX_ERRORS).map((name) => {
    const detail = `Unknown field.${didYouMean(name, known)} There are ${known.join(', ')}.`;
    return { pointer: `${at}/${pointerPart(name)}`, code: 'unknown_field' as const, detail };
  });
  if (errors[0])
    throw new Refused('unknown_field', errors[0].detail, { errors, more_errors: unknown.length - errors.length });
}

/** Throws `Refused` for the field that the pointer names. */
export function refuseField(
  pointer: string,
  detail: string,
  code: Extract<ErrorCode, 'invalid_field' | 'tenant_forbidden' | 'empty_batch' | 'batch_too_large'> = 'invalid_field',
): never {
  throw new Refused(code, detail, { errors: [{ pointer, code, detail }] });
}
