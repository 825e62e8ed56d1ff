import { duration, setting } from '@tocsin/settings';
import { z } from 'zod';

const url = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:\/\//.test(text) && !/[?#\s]/.test(text),
    'an http or https address is needed, without a query',
  );

/** What the gateway needs to sign people in through an OpenID provider. */
export const oidcSettings = {
  OIDC_ISSUER: setting(url.optional(), {
    description:
      'The OpenID provider through which people sign in on the page, as its discovery document calls itself. It needs ' +
      'OIDC_CLIENT_ID, PUBLIC_URL and JWT_JWKS_URL. Unset: people paste tokens, or PAGE_TOKEN_URL gives them.',
    example: 'https://id.example.com/realms/people',
  }),
  OIDC_CLIENT_ID: setting(z.string().min(1).max(500).optional(), {
    description:
      'The client as which the gateway is registered with the provider. Its redirect address is ' +
      'PUBLIC_URL/api/v1/session/callback, and its address after sign-out is PUBLIC_URL/.',
    example: 'tocsin',
  }),
  OIDC_CLIENT_SECRET: setting(z.string().min(1).max(4_000).optional(), {
    description: 'The secret of the client. Unset: the client is a public one, which PKCE alone protects.',
    secret: true,
  }),
  OIDC_SCOPES: setting(
    z
      .string()
      .regex(
        /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/,
        'scopes with one space between them are needed',
      )
      .refine((scopes) => scopes.split(' ').includes('openid'), 'openid must be among them')
      .default('openid'),
    {
      description:
        'The scopes that the gateway asks for. What people may do follows from those that the access token names ' +
        '(alerts:write to act). Some providers renew tokens only with offline_access.',
      example: 'openid offline_access alerts:read alerts:write',
    },
  ),
  OIDC_PARAMETERS: setting(
    z
      .string()
      .regex(/^[\w.~%:/=&+-]*$/, 'a query such as audience=https://tocsin.example.com is needed')
      .default(''),
    {
      description:
        'Further parameters of the request for a sign-in, written as a query. Some providers need one to give an ' +
        'access token that is a JWT for Tocsin: audience (Auth0), resource (RFC 8707). Empty: none.',
      example: 'audience=https://tocsin.example.com',
    },
  ),
  SESSION_IDLE_MS: setting(duration({ least: 60_000 }).default(12 * 3_600_000), {
    description:
      'How long a session lasts in which nothing is asked and no stream is open, in milliseconds, and up to a minute ' +
      'more. Then the person signs in again.',
  }),
  SESSION_MAX_MS: setting(duration({ least: 60_000 }).default(7 * 24 * 3_600_000), {
    description: 'How long a session lasts however much it is used, in milliseconds.',
  }),
};

export interface OidcSettings {
  OIDC_ISSUER?: string | undefined;
  OIDC_CLIENT_ID?: string | undefined;
  OIDC_CLIENT_SECRET?: string | undefined;
  OIDC_SCOPES: string;
  OIDC_PARAMETERS: string;
  SESSION_IDLE_MS: number;
  SESSION_MAX_MS: number;
  PUBLIC_URL?: string | undefined;
  JWT_JWKS_URL?: string | undefined;
}

/** The parameters that the gateway sets itself. Set by an operator, they would undo what it checks. */
const OWN_PARAMETERS = new Set([
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'redirect_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
]);

/** The contradictions between these settings. For the `check` of `readSettings`. */
export function checkOidcSettings(settings: Partial<OidcSettings>): string[] {
  const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_PARAMETERS, PUBLIC_URL, JWT_JWKS_URL } = settings;
  const problems: string[] = [];
  if ((OIDC_ISSUER === undefined) !== (OIDC_CLIENT_ID === undefined))
    problems.push('OIDC_ISSUER and OIDC_CLIENT_ID are set together or not at all.');
  if (OIDC_CLIENT_SECRET !== undefined && OIDC_CLIENT_ID === undefined)
    problems.push('OIDC_CLIENT_SECRET is of no use without OIDC_CLIENT_ID.');
  if (OIDC_ISSUER !== undefined && PUBLIC_URL === undefined)
    problems.push('OIDC_ISSUER needs PUBLIC_URL: the provider sends people back to an address below it.');
  if (OIDC_ISSUER !== undefined && PUBLIC_URL !== undefined && new URL(PUBLIC_URL).pathname !== '/')
    problems.push('OIDC_ISSUER needs a PUBLIC_URL without a path: the cookie of a session counts for a whole host.');
  if (OIDC_ISSUER !== undefined && JWT_JWKS_URL === undefined)
    problems.push("OIDC_ISSUER needs JWT_JWKS_URL, the address of the same provider's keys.");
  const own = [...new URLSearchParams(OIDC_PARAMETERS).keys()].filter((name) => OWN_PARAMETERS.has(name));
  if (own.length > 0) problems.push(`OIDC_PARAMETERS must not set ${own.join(', ')}: the gateway does.`);
  return problems;
}

/** Settings that are allowed but weak, one sentence each. */
export function weakOidcSettings({ OIDC_ISSUER, PUBLIC_URL }: Partial<OidcSettings>): string[] {
  if (OIDC_ISSUER === undefined) return [];
  return [
    ...(OIDC_ISSUER.startsWith('http://')
      ? ['OIDC_ISSUER is not https: an attacker on the network can sign in as any user.']
      : []),
    ...(PUBLIC_URL?.startsWith('http://')
      ? ['PUBLIC_URL is not https: the cookies of sessions travel in the clear.']
      : []),
  ];
}
