import type { ParsedMessage } from './parsed-message';
import type { DecodedBody } from './decode-body';
import { lookLike } from './shapes/wrappers';

export type Refusal = Extract<ParsedMessage, { ok: false }>;
export type Fault = Extract<DecodedBody, { ok: false }>;

/** The refusal of a body that contains no message. `bytes`: as they came, to say what they look like. */
export function unreadable({ code, detail }: Fault, bytes?: Uint8Array): Refusal {
  const looks = (code === 'invalid_utf8' || code === 'invalid_json') && bytes && lookLike(bytes);
  return {
    ok: false,
    code,
    errors: [{ code, detail: looks ? `${detail} It looks like ${looks}.` : detail }],
    tenant_id: null,
  };
}

/** The error of a part, with its pointers in the whole body. */
export const below = (at: string, parsed: ParsedMessage): ParsedMessage =>
  parsed.ok
    ? parsed
    : { ...parsed, errors: parsed.errors.map((error) => ({ ...error, pointer: `${at}${error.pointer ?? ''}` })) };
