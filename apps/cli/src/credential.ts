import { signToken, type Scope } from '@tocsin/auth';
import type { GatewayConfig } from './config';
import { signingSecret } from './signing-secret';

const LIFETIME_S = 300;
/** Used no longer than this, so that it never expires on its way. */
const USED_FOR_MS = 60_000;
const USER = 'tocsin-cli';

interface Made {
  token: string;
  /** Where its secret comes from. */
  origin: string;
  atMs: number;
}

/** The token that the gateway is asked with: TOCSIN_TOKEN, else short-lived ones of our own, made as they are needed. */
export class Credential {
  private made: Made | undefined;
  private refused = false;

  constructor(
    private readonly config: GatewayConfig,
    /** What a token of our own allows. */
    private readonly scope: Scope,
  ) {}

  /** Throws `ConfigurationError` when there is nothing to sign with. */
  token(): string {
    if (this.config.TOCSIN_TOKEN) return this.config.TOCSIN_TOKEN;
    if (!this.made) this.made = this.sign();
    else if (this.refused || Date.now() - this.made.atMs > USED_FOR_MS) this.made = this.signAgain(this.made);
    this.refused = false;
    return this.made.token;
  }

  /** Where the token comes from, for a person. */
  get origin(): string {
    return this.config.TOCSIN_TOKEN
      ? 'The token is the one in TOCSIN_TOKEN.'
      : `The token was signed with ${this.made?.origin ?? 'nothing yet'}.`;
  }

  /** After a refusal: makes another one, since a server that began anew has another secret. False when there is only the one. */
  renew(): boolean {
    this.refused = true;
    return !this.config.TOCSIN_TOKEN;
  }

  /** A server that is beginning anew has no secret for a moment: the old token does until then. */
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
      token: signToken(secret, { user_id: USER, expiresInSeconds: LIFETIME_S, scopes: [this.scope], issuer, audience }),
      origin,
      atMs: Date.now(),
    };
  }
}
