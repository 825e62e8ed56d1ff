import { Refused, Unavailable } from '@tocsin/contracts';
import type { Configuration, TokenEndpointResponse } from 'openid-client';
import type { OidcSettings } from './oidc-settings';

type Client = typeof import('openid-client');

/** How long the provider may take for one answer, in seconds. */
const TIMEOUT_S = 5;
/** How long the discovery document counts, in milliseconds. */
const DISCOVERED_FOR_MS = 3_600_000;

/** What the browser must bring back with the code, so that it is the answer to this browser's own request. */
export interface SignInChecks {
  state: string;
  nonce: string;
  code_verifier: string;
}

/** The tokens of a session, as the provider gave them. */
export interface SessionTokens {
  access_token: string;
  /** Absent: the provider does not renew, and the session ends with its access token. */
  refresh_token?: string;
  /** Names the session to the provider when the person signs out. */
  id_token?: string;
}

/**
 * The OpenID provider: code flow with PKCE, renewal and sign-out. Every method throws `Unavailable`
 * (`identity_provider`) when the provider does not answer in time or answers what is no answer, and `Refused`
 * (`sign_in_failed`) when it refuses.
 */
export class OidcProvider {
  private discovered: { configuration: Promise<Configuration>; at: number } | undefined;

  constructor(
    private readonly settings: Partial<Pick<OidcSettings, 'OIDC_CLIENT_SECRET' | 'OIDC_SCOPES' | 'OIDC_PARAMETERS'>> & {
      OIDC_ISSUER: string;
      OIDC_CLIENT_ID: string;
      PUBLIC_URL: string;
    },
  ) {}

  /** The address to which the provider sends the browser back. */
  get redirectUri(): string {
    return `${this.settings.PUBLIC_URL}/api/v1/session/callback`;
  }

  /** The provider's address at which the person signs in, and what must be kept until the answer comes. */
  async begin(): Promise<{ url: string; checks: SignInChecks }> {
    return this.asking(async (client, configuration) => {
      const checks = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        code_verifier: client.randomPKCECodeVerifier(),
      };
      const url = client.buildAuthorizationUrl(configuration, {
        ...Object.fromEntries(new URLSearchParams(this.settings.OIDC_PARAMETERS)),
        redirect_uri: this.redirectUri,
        scope: this.settings.OIDC_SCOPES ?? 'openid',
        state: checks.state,
        nonce: checks.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(checks.code_verifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, checks };
    });
  }

  /** Exchanges the code in the query that the browser brought back. Checks state, nonce, PKCE, issuer and audience. */
  async exchange(query: string, { state, nonce, code_verifier }: SignInChecks): Promise<SessionTokens> {
    return this.asking(async (client, configuration) =>
      tokensIn(
        await client.authorizationCodeGrant(configuration, new URL(`${this.redirectUri}?${query}`), {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: code_verifier,
          idTokenExpected: true,
        }),
      ),
    );
  }

  /** Renews the tokens. Those that the provider does not give anew stay. */
  async renew({ refresh_token, id_token }: SessionTokens & { refresh_token: string }): Promise<SessionTokens> {
    return this.asking(
      async (client, configuration) => ({
        refresh_token,
        ...(id_token !== undefined && { id_token }),
        ...tokensIn(await client.refreshTokenGrant(configuration, refresh_token)),
      }),
      // an odd answer ends no session
      { refusedBy: [] },
    );
  }

  /**
   * The provider's address at which the person is signed out there too; null when the provider has none, or is away: a
   * sign-out here does not wait for it.
   */
  async endSessionUrl({ id_token }: SessionTokens): Promise<string | null> {
    return this.asking((client, configuration) => {
      if (configuration.serverMetadata().end_session_endpoint === undefined) return Promise.resolve(null);
      const url = client.buildEndSessionUrl(configuration, {
        post_logout_redirect_uri: `${this.settings.PUBLIC_URL}/`,
        ...(id_token !== undefined && { id_token_hint: id_token }),
      });
      return Promise.resolve(url.href);
    }).catch((error: unknown) => {
      if (error instanceof Unavailable) return null;
      throw error;
    });
  }

  private async asking<T>(
    ask: (client: Client, configuration: Configuration) => Promise<T>,
    { refusedBy = NOT_FOR_US }: { refusedBy?: readonly string[] } = {},
  ): Promise<T> {
    // loaded by the first sign-in: most processes never need it
    const client = await import('openid-client');
    try {
      return await ask(client, await this.discover(client));
    } catch (error) {
      throw judged(error, client, refusedBy);
    }
  }

  private discover(client: Client): Promise<Configuration> {
    const known = this.discovered;
    if (known && Date.now() - known.at < DISCOVERED_FOR_MS) return known.configuration;
    const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET: secret } = this.settings;
    const configuration = client.discovery(
      new URL(OIDC_ISSUER),
      OIDC_CLIENT_ID,
      undefined,
      (server, ...rest) =>
        secret === undefined
          ? client.None()(server, ...rest)
          : secretBy(client, server.token_endpoint_auth_methods_supported)(secret)(server, ...rest),
      {
        timeout: TIMEOUT_S,
        execute: OIDC_ISSUER.startsWith('http://') ? [client.allowInsecureRequests] : [],
      },
    );
    const discovered = { configuration, at: Date.now() };
    this.discovered = discovered;
    configuration.catch(() => {
      if (this.discovered === discovered) this.discovered = undefined;
    });
    return configuration;
  }
}

/** Basic is what a client has that was registered without a choice, so it is used wherever the provider has it. */
function secretBy(client: Client, supported: readonly string[] = ['client_secret_basic']) {
  return supported.includes('client_secret_basic') ? client.ClientSecretBasic : client.ClientSecretPost;
}

function tokensIn({ access_token, refresh_token, id_token }: TokenEndpointResponse): SessionTokens {
  return {
    access_token,
    ...(refresh_token !== undefined && { refresh_token }),
    ...(id_token !== undefined && { id_token }),
  };
}

/**
 * Only the provider's own refusal, or an answer that is not for this request, refuses. Everything else (no network, no
 * answer in time, a proxy's page, a refused client) is the provider's fault or the configuration's, and ends no
 * session.
 */
function judged(error: unknown, client: Client, refusedBy: readonly string[]): Error {
  const refuse = (detail: string) => new Refused('sign_in_failed', detail, { cause: error });
  if (error instanceof client.AuthorizationResponseError)
    return refuse(`The provider refused the sign-in: ${error.error}.`);
  if (error instanceof client.ResponseBodyError && error.error === 'invalid_grant')
    return refuse('The provider does not accept the code or the refresh token.');
  if (error instanceof client.ClientError && refusedBy.includes(error.code ?? ''))
    return refuse('The answer of the provider does not belong to this sign-in.');
  return new Unavailable('identity_provider', 'The OpenID provider cannot be had.', {
    technology: 'oidc',
    cause: error,
  });
}

/** What openid-client calls an answer with a wrong state, nonce, issuer, audience or time. */
const NOT_FOR_US: readonly string[] = [
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
];
