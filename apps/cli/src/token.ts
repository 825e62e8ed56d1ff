import { signToken, SCOPES, type Scope } from '@tocsin/auth';
import { isTenantId } from '@tocsin/contracts';
import { DEFAULT_USER } from './ask-gateway';
import { UsageError, type Command } from './command';
import { loadTokenConfig, tokenSettings } from './config';
import { signingSecret } from './signing-secret';

const DEFAULT_SCOPES: readonly Scope[] = ['alerts:read'];
const DEFAULT_EXPIRES = '12h';
/**
 * The longest lifetime. A token that lives longer is a password that never changes. It must stay below
 * `REVOCATION_IN_FORCE_MS`, beyond which a revoked token would be valid again.
 */
const MAX_EXPIRES_S = 366 * 86_400;
const DEFAULT_TENANTS_CLAIM = 'tenants';

const options = {
  user: { type: 'string', value: '<id>', about: `Whose token it is. Default ${DEFAULT_USER}, the demo's user.` },
  scope: {
    type: 'string',
    multiple: true,
    value: '<scope>',
    values: SCOPES,
    about: `What it allows, also separated by commas: ${SCOPES.join(', ')}. Default ${DEFAULT_SCOPES.join(', ')}.`,
  },
  expires: {
    type: 'string',
    value: '<time>',
    about: `How long it lasts: 45s, 30m, 12h, 7d. Default ${DEFAULT_EXPIRES}.`,
  },
  tenants: {
    type: 'string',
    multiple: true,
    value: '<ids>',
    about:
      "The tenants in the token's own claim, also separated by commas. Default none: the gateway looks up " +
      "the user's tenants.",
  },
  json: { type: 'boolean', about: 'Prints one JSON value with the token and what it allows.' },
} as const;

export const token: Command<typeof options> = {
  name: 'token',
  purpose: 'makes a token',
  about: 'Prints only the token on stdout, so that it can be put into a variable, and describes it on stderr.',
  options,
  examples: ['npm run token', 'TOKEN=$(npm run -s token -- --scope alerts:read,events:publish --expires 30m)'],
  settings: tokenSettings,

  async run({ values }, terminal) {
    const user_id = values.user ?? DEFAULT_USER;
    if (user_id.trim() === '' || user_id.length > 255) throw new UsageError('--user is an id of 1 to 255 characters.');
    const scopes = values.scope ? readScopes(values.scope) : DEFAULT_SCOPES;
    const expiresInSeconds = readDuration(values.expires ?? DEFAULT_EXPIRES);
    const tenants = readTenants(values.tenants ?? []);

    const config = loadTokenConfig(terminal.environment);
    const { secret, origin } = signingSecret(config);
    const claim = config.JWT_TENANTS_CLAIM ?? DEFAULT_TENANTS_CLAIM;
    const claims = tenants.length > 0 ? { [claim]: tenants } : {};
    const expires_at = new Date(Date.now() + expiresInSeconds * 1000).toISOString();
    const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config;
    const signed = signToken(secret, { user_id, expiresInSeconds, scopes, issuer, audience, claims });
    terminal.out(values.json ? JSON.stringify({ token: signed, user_id, scopes, tenants, expires_at }) : signed);

    const until = expires_at.replace(/:\d\d\.\d+Z$/, 'Z');
    const named = tenants.length > 0 ? [`${claim}: ${tenants.join(', ')}`] : [];
    terminal.err(
      ['A token', user_id, scopes.join(', '), ...named, `until ${until}`, `signed with ${origin}`].join(' · '),
    );
    if (tenants.length > 0 && !config.JWT_TENANTS_CLAIM)
      terminal.err(`A gateway heeds these tenants when it has JWT_TENANTS_CLAIM=${claim}.`);
    return 0;
  },
};

const listed = (given: readonly string[]): string[] =>
  given
    .flatMap((list) => list.split(','))
    .map((item) => item.trim())
    .filter(Boolean);

function readScopes(given: readonly string[]): Scope[] {
  const names = listed(given);
  const unknown = names.find((name) => !SCOPES.some((scope) => scope === name));
  if (unknown !== undefined || names.length === 0) throw new UsageError(`--scope is one of ${SCOPES.join(', ')}.`);
  return SCOPES.filter((scope) => names.includes(scope));
}

function readTenants(given: readonly string[]): string[] {
  const tenants = listed(given);
  if (!tenants.every(isTenantId))
    throw new UsageError('--tenants are ids of 1 to 64 of A-Z a-z 0-9 . _ -, separated by commas.');
  return [...new Set(tenants)];
}

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** Converts a duration such as "12h" to seconds. Throws `UsageError`. */
function readDuration(text: string): number {
  const [, number, unit] = /^(\d{1,9})([smhd])$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * SECONDS[unit as keyof typeof SECONDS];
  if (seconds >= 1 && seconds <= MAX_EXPIRES_S) return seconds;
  throw new UsageError('--expires is a time such as 45s, 30m, 12h or 7d, at most 366d.');
}
