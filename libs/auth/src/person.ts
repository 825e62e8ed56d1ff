import type { User } from '@tocsin/contracts/ports';
import { createHash } from 'node:crypto';

/** An issuer's name as it is kept and compared; what is longer or holds what no name holds is kept as a digest. */
const MAX_ISSUER_LENGTH = 255;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/; // eslint-disable-line no-control-regex

/** Who made the token: its `iss`; empty when it does not say. */
export function issuerOf({ claims }: Pick<User, 'claims'>): string {
  const { iss } = claims;
  if (iss === undefined || iss === null) return '';
  if (typeof iss === 'string' && iss.length <= MAX_ISSUER_LENGTH && iss.isWellFormed() && !CONTROL_CHARACTERS.test(iss))
    return iss;
  return `sha256:${createHash('sha256').update(JSON.stringify(iss)).digest('hex')}`;
}

/**
 * Names a person among those of all issuers: two issuers' users with one name are two. A line break stands between the two
 * names because neither can hold one.
 */
export function personOf(user: Pick<User, 'user_id' | 'claims'>): string {
  const issuer = issuerOf(user);
  return issuer === '' ? user.user_id : `${issuer}\n${user.user_id}`;
}
