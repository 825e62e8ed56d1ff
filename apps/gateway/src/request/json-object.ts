import { Refused, type ErrorCode } from '@tocsin/contracts';
import { decodeBody } from '@tocsin/messages';
import type { Request } from 'express';
import type { Fields } from './request-fields';

/** The bytes of a request's body, which must be declared as JSON. Empty when there is no body. Throws `Refused`. */
export function jsonBodyOf(request: Request): Buffer {
  const { body } = request as { body: unknown };
  if (!Buffer.isBuffer(body) || body.length === 0) return Buffer.alloc(0);
  if (!request.is(['json', '+json'])) throw new Refused('unsupported_media_type', 'The body must be application/json.');
  return body;
}

/**
 * Parses bytes as a JSON object that can be stored. The route's size limit was applied when they were read. Throws
 * `Refused`.
 */
export function jsonObjectOf(bytes: Buffer): Fields {
  // read as it is, a number that no double holds stays a number: as text it would pass for a name
  const decoded = decodeBody(bytes, bytes.length, (text) => JSON.parse(text) as unknown);
  if (!decoded.ok)
    throw new Refused(decoded.code === 'message_too_large' ? 'body_too_large' : decoded.code, decoded.detail);
  if (typeof decoded.value !== 'object' || decoded.value === null || Array.isArray(decoded.value))
    throw new Refused('invalid_json', 'The body must be a JSON object.');
  return decoded.value as Fields;
}

/** Refuses the field that the pointer names: throws `Refused`. */
export function refuseField(
  pointer: string,
  detail: string,
  code: Extract<ErrorCode, 'invalid_field' | 'tenant_forbidden'> = 'invalid_field',
): never {
  throw new Refused(code, detail, { errors: [{ pointer, code, detail }] });
}
