import { Refused } from '@tocsin/contracts';
import type { Revocations } from './revocations';
import type { Scope } from './scopes';
import type { VerifiedToken } from './token-verifier';

/**
 * Decides whether a verified token may still be used, and for this: it is not revoked and has all scopes in `needed`.
 * Routes, streams and the intakes of other systems all ask here. Throws `Refused` (`token_revoked`,
 * `insufficient_scope`).
 */
export function judgeToken(
  token: VerifiedToken,
  revocations: Pick<Revocations, 'isRevoked'>,
  needed: readonly Scope[],
): void {
  if (revocations.isRevoked(token)) throw new Refused('token_revoked', 'The token was revoked.');
  requireScopes(token, needed);
}

/**
 * Throws `Refused` (`insufficient_scope`) unless the token has all of the scopes. For a route whose request asks for
 * more.
 */
export function requireScopes(token: VerifiedToken, needed: readonly Scope[]): void {
  const missing = missingScopes(token, needed);
  if (missing.length > 0) throw new Refused('insufficient_scope', `The token lacks the scope ${missing.join(' ')}.`);
}

/** The scopes of `needed` that the token does not have. */
export const missingScopes = ({ scopes }: Pick<VerifiedToken, 'scopes'>, needed: readonly Scope[]): Scope[] =>
  needed.filter((scope) => !scopes.has(scope));
