import type { User } from '@tocsin/contracts/ports';
import { createHash } from 'node:crypto';

/**
 * The longest issuer name that is stored and compared as it is. A longer name, or one with control characters, is
 * stored as a digest.
 */
const MAX_ISSUER_LENGTH = 255;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/; // eslint-disable-line no-control-regex

/** The issuer of the token: its `iss`; empty when the token has none. */
export function issuerOf({ claims }: Pick<User, 'claims'>): string {
  const { iss } = claims;
  if (iss === undefined || iss === null) return '';
  if (typeof iss === 'string' && iss.length <= MAX_ISSUER_LENGTH && iss.isWellFormed() && !CONTROL_CHARACTERS.test(iss))
    return iss;
  return `sha256:${createHash('sha256').update(JSON.stringify(iss)).digest('hex')}`;
}

/**
 * Identifies a person among the users of all issuers: two issuers' users with one name are two persons. The separator
 * is a line break because neither name can hold one.
 */
export function personOf(user: Pick<User, 'user_id' | 'claims'>): string {
  const issuer = issuerOf(user);
  return issuer === '' ? user.user_id : `${issuer}\n${user.user_id}`;
}
