import { MAKE_A_SECRET, setting } from '@tocsin/settings';
import { z } from 'zod';
import { checkOidcSettings, oidcSettings, weakOidcSettings, type OidcSettings } from './oidc-settings';

/** The minimum for HMAC-SHA256: a shorter secret weakens it. */
const MIN_SECRET_BYTES = 32;

const signingSecret = z
  .string()
  .refine(
    (secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES,
    `at least ${MIN_SECRET_BYTES} bytes are needed (${MAKE_A_SECRET})`,
  )
  .refine(
    (secret) => !secret.includes('-----BEGIN'),
    'a PEM key is not a secret: give its issuer’s JWT_JWKS_URL instead',
  );

const httpUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text.replaceAll('{user_id}', 'x')) && /^https?:\/\//.test(text),
    'an http or https address is needed',
  );

/** The algorithms that public keys may be used with. A token's own header never decides this. */
const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
] as const;
export type PublicKeyAlgorithm = (typeof PUBLIC_KEY_ALGORITHMS)[number];

const algorithms = z
  .string()
  .transform((list) => list.split(',').map((name) => name.trim()))
  .pipe(z.array(z.enum(PUBLIC_KEY_ALGORITHMS)).min(1));

export const authSettings = {
  JWT_SECRET: setting(signingSecret.optional(), {
    description: 'The secret that verifies tokens (HS256), at least 32 bytes. Set this or JWT_JWKS_URL.',
    secret: true,
  }),
  JWT_SECRET_PREVIOUS: setting(signingSecret.optional(), {
    description:
      'The previous JWT_SECRET, or the next one while it is brought to all gateways. Tokens that are signed with it ' +
      'stay valid while it is set.',
    secret: true,
  }),
  JWT_JWKS_URL: setting(httpUrl.optional(), {
    description: "The address of the token issuer's public keys (JWKS). Set this or JWT_SECRET.",
    example: 'https://id.example.com/.well-known/jwks.json',
  }),
  JWT_JWKS_ALGORITHMS: setting(algorithms.default(['RS256', 'ES256']), {
    description: `The algorithms that tokens may use with JWT_JWKS_URL, separated by commas: ${PUBLIC_KEY_ALGORITHMS.join(', ')}.`,
  }),
  JWT_ISSUER: setting(z.string().max(500).optional(), {
    description: 'The "iss" that a token must have. Unset: any.',
    example: 'https://id.example.com/',
  }),
  JWT_AUDIENCE: setting(z.string().max(500).optional(), {
    description: 'The "aud" that a token must name. Unset: any.',
    example: 'tocsin',
  }),
  JWT_TENANTS_CLAIM: setting(z.string().max(200).optional(), {
    description:
      "The claim that lists a token's tenants. Without a tenant service, its user may see these tenants. A " +
      'token with the claim may publish only for these tenants (for none if the claim is not a list). A ' +
      'token without it may publish for any tenant.',
    example: 'tenants',
  }),
  TICKET_SECRET: setting(signingSecret.optional(), {
    description:
      'The secret that signs stream tickets: at least 32 bytes, the same for every gateway. It also ' +
      'encrypts the tokens of sessions. Required with JWT_JWKS_URL, else derived from JWT_SECRET.',
    secret: true,
  }),
  TICKET_SECRET_PREVIOUS: setting(signingSecret.optional(), {
    description:
      'The previous TICKET_SECRET, or the next one while it is brought to all gateways. What was signed or encrypted ' +
      'with it stays valid while it is set.',
    secret: true,
  }),
  TENANT_SERVICE_URL: setting(httpUrl.optional(), {
    description:
      'The address of the tenant service. The gateway asks <address>/api/v1/users/{user_id}/tenants, or ' +
      'the address itself when it has {user_id} in it.',
    example: 'http://tenant-service:8080',
  }),
  TENANT_SERVICE_TOKEN: setting(
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces is needed')
      .optional(),
    {
      description: "The bearer token for the tenant service. Unset: the gateway sends the user's own token.",
      secret: true,
    },
  ),
  ...oidcSettings,
};

export interface AuthSettings extends Partial<OidcSettings> {
  JWT_SECRET?: string | undefined;
  JWT_SECRET_PREVIOUS?: string | undefined;
  JWT_JWKS_URL?: string | undefined;
  JWT_JWKS_ALGORITHMS: readonly PublicKeyAlgorithm[];
  JWT_ISSUER?: string | undefined;
  JWT_AUDIENCE?: string | undefined;
  JWT_TENANTS_CLAIM?: string | undefined;
  TICKET_SECRET?: string | undefined;
  TICKET_SECRET_PREVIOUS?: string | undefined;
  TENANT_SERVICE_URL?: string | undefined;
  TENANT_SERVICE_TOKEN?: string | undefined;
  CORS_ORIGINS?: readonly string[] | undefined;
}

/** The contradictions between settings that are each valid. For the `check` of `readSettings`. */
export function checkAuthSettings(settings: AuthSettings): string[] {
  const problems: string[] = [];
  if (!settings.JWT_SECRET && !settings.JWT_JWKS_URL)
    problems.push(`JWT_SECRET (${MAKE_A_SECRET}) or JWT_JWKS_URL is required.`);
  if (settings.JWT_SECRET && settings.JWT_JWKS_URL)
    problems.push('JWT_SECRET and JWT_JWKS_URL are both set: keys of two issuers are never mixed, choose one.');
  if (settings.JWT_SECRET_PREVIOUS && !settings.JWT_SECRET)
    problems.push('JWT_SECRET_PREVIOUS is of no use without JWT_SECRET.');
  if (settings.JWT_JWKS_URL && !settings.TICKET_SECRET)
    problems.push(`TICKET_SECRET is required with JWT_JWKS_URL (${MAKE_A_SECRET}).`);
  if (settings.TICKET_SECRET_PREVIOUS && !settings.TICKET_SECRET)
    problems.push('TICKET_SECRET_PREVIOUS is of no use without TICKET_SECRET.');
  return [...problems, ...checkOidcSettings(settings)];
}

/** Settings that are allowed but weak, one sentence each. The operator reads them when the app starts. */
export function weakAuthSettings(settings: AuthSettings): string[] {
  const weak: string[] = [];
  if (settings.JWT_JWKS_URL?.startsWith('http://'))
    weak.push('JWT_JWKS_URL is not https: an attacker on the network can replace the keys.');
  if (!settings.JWT_ISSUER) weak.push('JWT_ISSUER is unset: tokens of any issuer that holds the key are accepted.');
  if (!settings.JWT_AUDIENCE) weak.push('JWT_AUDIENCE is unset: tokens made for other services are accepted.');
  return [...weak, ...weakOidcSettings(settings)];
}
