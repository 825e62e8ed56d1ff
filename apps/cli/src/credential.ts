import { signToken, type Scope } from '@tocsin/auth';
import type { GatewayConfig } from './config';
import { signingSecret } from './signing-secret';

const LIFETIME_S = 300;
/** A stream is opened, and what it measured is waited for, beside the time for which it is watched. */
const AROUND_STREAM_S = 60;
/** A token of its own is used no longer than this, so that it never expires on the way. */
const USED_FOR_MS = 60_000;
const USER = 'tocsin-cli';

interface Made {
  token: string;
  /** The origin of its secret. */
  origin: string;
  atMs: number;
}

/** The token for calls of the gateway: TOCSIN_TOKEN, else short-lived tokens that the command line signs as needed. */
export class Credential {
  private made: Made | undefined;
  private refused = false;

  constructor(
    private readonly config: GatewayConfig,
    /** The scopes of a token that the command line signs. */
    private readonly scopes: readonly Scope[],
    /** Whose token it signs. */
    private readonly user = USER,
    /** For how long a stream is watched with one token, in seconds: the gateway closes it when its token expires. */
    private readonly streamS = 0,
  ) {}

  /** Throws `ConfigurationError` when there is no secret to sign with. */
  token(): string {
    if (this.config.TOCSIN_TOKEN) return this.config.TOCSIN_TOKEN;
    if (!this.made) this.made = this.sign();
    else if (this.refused || Date.now() - this.made.atMs > USED_FOR_MS) this.made = this.signAgain(this.made);
    this.refused = false;
    return this.made.token;
  }

  /** The origin of the token, for a person. */
  get origin(): string {
    return this.config.TOCSIN_TOKEN
      ? 'The token is the one in TOCSIN_TOKEN.'
      : `The token was signed with ${this.made?.origin ?? 'nothing yet'}.`;
  }

  /**
   * Call it after a refusal. It signs a new token, since a restarted server may have another secret. False when there
   * is only TOCSIN_TOKEN.
   */
  renew(): boolean {
    this.refused = true;
    return !this.config.TOCSIN_TOKEN;
  }

  /** A server that is starting has no secret for a moment: until then the old token is used. */
  private signAgain(old: Made): Made {
    try {
      return this.sign();
    } catch {
      return old;
    }
  }

  private sign(): Made {
    const { secret, origin } = signingSecret(this.config);
    const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = this.config;
    return {
      token: signToken(secret, {
        user_id: this.user,
        expiresInSeconds: Math.max(LIFETIME_S, Math.ceil(this.streamS) + AROUND_STREAM_S),
        scopes: this.scopes,
        issuer,
        audience,
      }),
      origin,
      atMs: Date.now(),
    };
  }
}
