/** The scopes that a token may have. */
export const SCOPES = [
  'alerts:read',
  'alerts:write',
  'events:publish',
  'access:revoke',
  'dead_letters:manage',
  'dead_letters:operate',
] as const;
export type Scope = (typeof SCOPES)[number];

/** Shared by all tokens without a scope of Tocsin: each would hold a set of its own for as long as it is cached. */
const ONLY_READING: ReadonlySet<Scope> = new Set<Scope>(['alerts:read']);

const isScope = (name: unknown): name is Scope => SCOPES.some((scope) => scope === name);

/**
 * The scopes that a token's claims grant: `scope` (separated by spaces) or `scopes` (a list). A token with none of
 * Tocsin's scopes comes from an ordinary login of a person (`openid profile`), and it may read.
 */
export function scopesOf(claims: Readonly<Record<string, unknown>>): ReadonlySet<Scope> {
  const named = typeof claims.scope === 'string' ? claims.scope.split(' ') : (claims.scopes ?? claims.scope);
  const granted = (Array.isArray(named) ? named : []).filter(isScope);
  return granted.length > 0 ? new Set(granted) : ONLY_READING;
}
