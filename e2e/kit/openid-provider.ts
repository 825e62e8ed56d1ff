import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface ProviderOptions {
  /** The origin of the gateway as browsers see it. */
  publicUrl: string;
  /** How long an access token is good, in seconds. */
  tokenSeconds: number;
  /** Default: a free one. */
  port?: number;
}

/** A real OpenID provider on loopback. Its page takes any name as a user; the same provider signs access tokens. */
export class OpenIdProvider {
  static readonly CLIENT_SECRET = 'canary-oidc-client-secret-of-the-tests';
  static readonly AUDIENCE = 'urn:tocsin';

  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start({ publicUrl, tokenSeconds, port }: ProviderOptions): Promise<OpenIdProvider> {
    const settings = {
      client_id: 'tocsin',
      client_secret: OpenIdProvider.CLIENT_SECRET,
      redirect_uri: `${publicUrl}/api/v1/session/callback`,
      post_logout_redirect_uri: `${publicUrl}/`,
      audience: OpenIdProvider.AUDIENCE,
      token_seconds: tokenSeconds,
      ...(port !== undefined && { port }),
    };
    const child = fork(join(__dirname, 'openid-provider-process.mjs'), [JSON.stringify(settings)], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    const [told] = (await once(child, 'message')) as [{ port: number }];
    return new OpenIdProvider(child, told.port);
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The settings of a gateway whose people sign in here. */
  settings(publicUrl: string): Record<string, string> {
    return {
      OIDC_ISSUER: this.issuer,
      OIDC_CLIENT_ID: 'tocsin',
      OIDC_CLIENT_SECRET: OpenIdProvider.CLIENT_SECRET,
      OIDC_SCOPES: 'openid offline_access alerts:read alerts:write',
      OIDC_PARAMETERS: 'prompt=consent',
      PUBLIC_URL: publicUrl,
      JWT_SECRET: '',
      JWT_JWKS_URL: `${this.issuer}/jwks`,
      JWT_ISSUER: this.issuer,
      JWT_AUDIENCE: OpenIdProvider.AUDIENCE,
      TICKET_SECRET: 'canary-ticket-secret-of-the-end-to-end-tests',
    };
  }

  /** Makes it answer 503 to everything, or answer again. */
  setAway(away: boolean): Promise<void> {
    return this.tell({ away });
  }

  /** Gives it new keys and forgets everything that it has issued. */
  rotate(): Promise<void> {
    return this.tell({ rotate: true });
  }

  async close(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  private async tell(message: object): Promise<void> {
    const done = once(this.child, 'message');
    this.child.send(message);
    await done;
  }
}
