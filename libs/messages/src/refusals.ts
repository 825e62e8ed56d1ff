import type { ParsedMessage } from './alert-message';
import type { DecodedBody } from './decode-body';
import { lookLike } from './shapes/wrappers';

export type Refusal = Extract<ParsedMessage, { ok: false }>;
export type Fault = Extract<DecodedBody, { ok: false }>;

/** A body of which no message can be made. `bytes`: as they came, to say what they look like. */
export function unreadable({ code, detail }: Fault, bytes?: Uint8Array): Refusal {
  const looks = (code === 'invalid_utf8' || code === 'invalid_json') && bytes && lookLike(bytes);
  return {
    ok: false,
    code,
    errors: [{ code, detail: looks ? `${detail} It looks like ${looks}.` : detail }],
    tenant_id: null,
  };
}

/** What is wrong with a part, told of the whole. */
export const below = (at: string, parsed: ParsedMessage): ParsedMessage =>
  parsed.ok
    ? parsed
    : { ...parsed, errors: parsed.errors.map((error) => ({ ...error, pointer: `${at}${error.pointer ?? ''}` })) };
