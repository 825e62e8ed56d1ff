import { Refused, Unavailable } from '@tocsin/contracts';
import { revocationIdOf, type SessionStore, type StoredSession } from '@tocsin/contracts/ports';
import { LRUCache } from 'lru-cache';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OidcProvider, SessionTokens } from './oidc-provider';
import type { Revocations } from './revocations';
import { seal, unsealWithAny } from './sealed-text';
import { keysFor, type Keys } from './sign-in';
import type { SessionRight, TokenVerifier, VerifiedToken } from './token-verifier';

const SECRET = /^[\w-]{43}$/;
/** How many sessions a gateway keeps in memory, as many as tokens. The least recently used are read again. */
const MAX_KEPT = 20_000;
/**
 * How long a session is used without telling the store: at most a third of the time for which it may be idle, since it
 * lasts longer by this when it is not used.
 */
const KEPT_FOR_MS = 60_000;
/** A token is renewed this long before it expires, or when a third of its life is left if that is later. */
const RENEW_BEFORE_MS = 60_000;
/** How long to wait after the provider was away: until the lease of the attempt that failed is over. */
const RENEW_AGAIN_MS = 16_000;
/**
 * How long one gateway alone may renew: longer than the provider's two answers (5 s each) and the store's answers to
 * the claim and to the write (2 s each) may take together.
 */
const LEASE_MS = 15_000;
/** How often a gateway looks whether another one has renewed, while a request waits, and while none does. */
const LOOK_MS = 250;
const LOOK_AGAIN_MS = 1_000;
/** How long after a failed write of renewed tokens it is repeated: soon, because their lease is running out. */
const WRITE_AGAIN_MS = 1_000;
/**
 * How long a refusal of the provider waits for tokens that another gateway has not stored yet: until it has repeated
 * its write, which the store answers within 2 s.
 */
const STORED_WITHIN_MS = WRITE_AGAIN_MS + 2_500;
/**
 * How many renewed tokens are kept until they are stored, a few KB each. Without the store no renewal begins, so they
 * are those that were under way when it went away.
 */
const MAX_UNSTORED = 2_000;

interface SessionsOptions {
  /** The secrets from which the keys of the stored tokens are derived: the first one encrypts, all of them decrypt. */
  secrets: readonly string[];
  idleMs: number;
  maxMs: number;
}

/** A verified token that came with a session. */
export type SessionToken = VerifiedToken & { session: SessionRight };

/** What is stored, encrypted. */
interface Contents extends SessionTokens {
  user_id: string;
}

interface Kept {
  right: SessionToken;
  version: number;
  readAt: number;
}

/** What the provider gave for the tokens of `version`, and is not stored yet. */
interface Unstored {
  version: number;
  contents: Contents;
}

/** A session as it was read. Without `right` its access token is no longer accepted. */
interface Read {
  stored: StoredSession;
  contents: Contents;
  right: SessionToken | undefined;
}

/**
 * The sessions of people who signed in through the OpenID provider. The browser holds a random secret, and the store
 * the tokens, encrypted. A session stands for its access token, which is verified as one that is sent with a request;
 * it is renewed before it expires, by one gateway at a time.
 */
export class Sessions {
  private readonly keys: Keys;
  private readonly keptForMs: number;
  private readonly kept = new LRUCache<string, Kept>({ max: MAX_KEPT });
  private readonly loading = new Map<string, Promise<Kept>>();
  /**
   * Renewed tokens by session id. The provider has taken the refresh token before them, so these are the only ones that
   * continue the session.
   */
  private readonly unstored = new LRUCache<string, Unstored>({ max: MAX_UNSTORED });
  private writingAgain: NodeJS.Timeout | undefined;
  /** Until when the provider is not asked, because it was away. */
  private awayUntil = 0;

  constructor(
    private readonly store: SessionStore,
    private readonly provider: Pick<OidcProvider, 'renew' | 'endSessionUrl'>,
    private readonly verifier: Pick<TokenVerifier, 'verify'>,
    private readonly revocations: Pick<Revocations, 'revoke'>,
    private readonly options: SessionsOptions,
    private readonly now: () => number = Date.now,
  ) {
    this.keys = keysFor('session seal', options.secrets);
    this.keptForMs = Math.min(KEPT_FOR_MS, options.idleMs / 3);
  }

  /**
   * Makes a session of the tokens of a sign-in, and returns the secret for its cookie. Throws `Refused`
   * (`sign_in_failed`) when the gateway does not accept the access token, and `Unavailable`.
   */
  async create(tokens: SessionTokens): Promise<string> {
    const { user_id } = await this.verifier.verify(tokens.access_token).catch((error: unknown) => {
      if (!(error instanceof Refused)) throw error;
      const detail = `The gateway does not accept the provider's access token (${error.code}).`;
      throw new Refused('sign_in_failed', detail, { cause: error });
    });
    const secret = randomBytes(32).toString('base64url');
    await this.store.create(idOf(secret), this.sealed({ ...tokens, user_id }), this.options.maxMs);
    return secret;
  }

  /**
   * The right of the session that a cookie's secret opens. Throws `Refused` (`session_ended`) when there is none, and
   * `Unavailable` when the store is away, or the provider while the token has expired: the session may be good.
   */
  async rightOf(secret: string): Promise<SessionToken> {
    if (!SECRET.test(secret)) throw ended();
    return this.current(idOf(secret));
  }

  /** The present right of a session that was known, for a stream that is open. Throws as `rightOf` does. */
  async current(sessionId: string): Promise<SessionToken> {
    const kept = this.kept.get(sessionId);
    const now = this.now();
    if (
      kept &&
      kept.readAt + this.keptForMs > now &&
      kept.right.session.renew_at > now &&
      (await this.isStillGood(kept))
    )
      return kept.right;
    const loading = this.loading.get(sessionId) ?? this.load(sessionId).finally(() => this.loading.delete(sessionId));
    this.loading.set(sessionId, loading);
    return (await loading).right;
  }

  /**
   * Ends a session everywhere: its cookie is refused here at once and by the other gateways within 3 s, and its streams
   * end. Returns the provider's address that ends the session there too; null when there is none. Doing so again is
   * harmless. Throws `Unavailable`; then the session may be good still.
   */
  async end(secret: string): Promise<string | null> {
    const id = idOf(secret);
    const stored = await this.use(id);
    const contents = stored && this.unsealed(stored);
    if (!contents) return null;
    // deletes the stored session too
    await this.revocations.revoke({ user_id: contents.user_id, jti: revocationIdOf(id) });
    this.kept.delete(id);
    this.unstored.delete(id);
    return this.provider.endSessionUrl(contents);
  }

  private async load(id: string): Promise<Kept> {
    const stored = await this.use(id);
    const contents = stored && this.unsealed(stored);
    if (!contents) {
      this.kept.delete(id);
      this.unstored.delete(id);
      throw ended();
    }
    const before = this.kept.get(id);
    let right: SessionToken | undefined;
    try {
      right = await this.rightFrom(id, stored, contents);
    } catch (error) {
      // its key cannot be had yet: the token before it counts to its end
      if (before && before.version < stored.version && (await this.isStillGood(before)))
        return this.keep(before.right, before.version, this.now() + LOOK_AGAIN_MS);
      if (!(error instanceof Refused)) throw error;
    }
    const read = { stored, contents, right };
    const unstored = this.unstored.get(id);
    if (unstored?.version === stored.version) return this.take(id, read, unstored);
    const now = this.now();
    // a renewal that was postponed stays postponed
    const renewAt = before?.version === stored.version ? before.right.session.renew_at : read.right?.session.renew_at;
    if (read.right && renewAt !== undefined && renewAt > now) return this.keep(read.right, stored.version, renewAt);
    return this.renew(id, read);
  }

  private async renew(id: string, read: Read): Promise<Kept> {
    const { stored, contents, right } = read;
    const { refresh_token } = contents;
    if (refresh_token === undefined) {
      if (right) return this.keep(right, stored.version, stored.ends_at);
      throw await this.over(id);
    }
    if (this.awayUntil > this.now()) {
      if (right) return this.keep(right, stored.version, this.awayUntil);
      throw new Unavailable('identity_provider', 'The OpenID provider was away a moment ago.');
    }
    if (!(await this.store.claimRenewal(id, stored.version, LEASE_MS))) return this.awaitOther(id, read);
    let tokens: SessionTokens;
    try {
      tokens = await this.provider.renew({ ...contents, refresh_token });
    } catch (error) {
      if (error instanceof Refused) return this.refused(id, stored.version);
      this.awayUntil = this.now() + RENEW_AGAIN_MS;
      if (right && right.expires_at > this.now()) return this.keep(right, stored.version, this.awayUntil);
      throw error;
    }
    return this.take(id, read, { version: stored.version, contents: { ...tokens, user_id: contents.user_id } });
  }

  /**
   * Stores renewed tokens, and then verifies them: the provider gives them once, and what is stored is verified at each
   * use. While one of the two cannot be done, the token before them counts to its end.
   */
  private async take(id: string, { stored, right }: Read, renewed: Unstored): Promise<Kept> {
    let isStored = true;
    try {
      isStored = await this.write(id, renewed);
      if (isStored) {
        const fresh = await this.rightFrom(id, stored, renewed.contents);
        // by our own clock, which may be ahead of the provider's
        const life = fresh.expires_at - this.now();
        return this.keep(fresh, stored.version + 1, fresh.expires_at - Math.min(RENEW_BEFORE_MS, life / 3));
      }
    } catch (error) {
      if (error instanceof Refused && error.code === 'session_ended') throw await this.over(id);
      if (right && right.expires_at > this.now()) return this.keep(right, stored.version, this.now() + LOOK_AGAIN_MS);
      throw error instanceof Refused ? ended(error) : error;
    }
    // another gateway has stored newer ones, or the person has signed out
    return this.load(id);
  }

  /** Stores renewed tokens in place of those of their version. Until that is done they are kept, and tried again. */
  private async write(id: string, renewed: Unstored): Promise<boolean> {
    this.unstored.set(id, renewed);
    try {
      const isStored = await this.store.renew(id, renewed.version, this.sealed(renewed.contents));
      if (this.unstored.get(id) === renewed) this.unstored.delete(id);
      return isStored;
    } catch (error) {
      this.writeAgainSoon();
      throw error;
    }
  }

  /**
   * Repeats failed writes, also when no request comes here: once the lease is over, another gateway would renew with
   * the refresh token that the provider has taken, and be refused.
   */
  private writeAgainSoon(): void {
    this.writingAgain ??= setTimeout(() => {
      this.writingAgain = undefined;
      // a write that fails begins the next round
      void this.writeUnstored().catch(() => undefined);
    }, WRITE_AGAIN_MS).unref();
  }

  /** One after the other, the one that was tried longest ago first, so that a store that is back is not flooded. */
  private async writeUnstored(): Promise<void> {
    for (const id of [...this.unstored.rkeys()]) {
      const renewed = this.unstored.peek(id);
      if (renewed) await this.write(id, renewed);
    }
  }

  /**
   * The provider refuses the refresh token: the session is over, unless another gateway has used it. That one may have
   * its tokens in memory still, because the store was away for longer than the lease.
   */
  private async refused(id: string, version: number): Promise<Kept> {
    for (let waited = 0; ; waited += LOOK_MS) {
      const stored = await this.use(id);
      if (stored && stored.version !== version) return this.load(id);
      if (!stored || waited >= STORED_WITHIN_MS) throw await this.over(id);
      await sleep(LOOK_MS);
    }
  }

  /** Another gateway renews the tokens. While the present token is good, no request waits for it. */
  private async awaitOther(id: string, { stored: before, right }: Read): Promise<Kept> {
    if (right) return this.keep(right, before.version, this.now() + LOOK_AGAIN_MS);
    for (let waited = 0; waited < LEASE_MS; waited += LOOK_MS) {
      await sleep(LOOK_MS);
      const stored = await this.use(id);
      const contents = stored && this.unsealed(stored);
      if (!contents) throw ended();
      if (stored.version === before.version) continue;
      const next = await this.rightFrom(id, stored, contents);
      return this.keep(next, stored.version, next.session.renew_at);
    }
    throw new Unavailable('identity_provider', 'The tokens of the session could not be renewed.');
  }

  /**
   * The session as it is stored, and counts as used now. The store does not know of its last use by what was kept here
   * or in another gateway, so the session may have been used for that much longer.
   */
  private use(id: string): Promise<StoredSession | undefined> {
    return this.store.use(id, this.options.idleMs + this.keptForMs);
  }

  /** The provider does not continue the session. */
  private async over(id: string): Promise<Refused> {
    this.kept.delete(id);
    this.unstored.delete(id);
    await this.store.end(id);
    return ended();
  }

  private keep(right: SessionToken, version: number, renewAt: number): Kept {
    const session = { ...right.session, renew_at: renewAt };
    const kept = { right: { ...right, session }, version, readAt: this.now() };
    this.kept.set(session.session_id, kept);
    return kept;
  }

  /**
   * Whether a right that was found before still holds: its key may have been withdrawn. Costs what a token costs,
   * because the verifier keeps what it has verified.
   */
  private async isStillGood({ right }: Kept): Promise<boolean> {
    try {
      await this.verifier.verify(right.token);
      return true;
    } catch (error) {
      if (error instanceof Refused) return false;
      throw error;
    }
  }

  /**
   * The right of the access token, as one of this session. It counts as issued when the person signed in: a revocation
   * of the user's tokens would otherwise last until the next renewal. Throws `Refused` for the token of another user.
   */
  private async rightFrom(
    id: string,
    { signed_in_at, ends_at }: StoredSession,
    { access_token, user_id }: Contents,
  ): Promise<SessionToken> {
    const token = await this.verifier.verify(access_token);
    if (token.user_id !== user_id) throw ended();
    const life = token.expires_at - (token.issued_at ?? this.now());
    const renew_at = token.expires_at - Math.min(RENEW_BEFORE_MS, life / 3);
    return {
      ...token,
      expires_at: Math.min(token.expires_at, ends_at),
      issued_at: signed_in_at,
      session: { session_id: id, renew_at, ends_at },
    };
  }

  private sealed(contents: Contents): string {
    return seal(JSON.stringify(contents), this.keys[0]);
  }

  /** Undefined when it was sealed with another secret: without the previous one, a new secret ends all sessions. */
  private unsealed({ sealed }: StoredSession): Contents | undefined {
    try {
      return JSON.parse(unsealWithAny(sealed, this.keys)) as Contents;
    } catch {
      return undefined;
    }
  }
}

/** The name of a session in the store: what is stored does not open it. */
const idOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

const ended = (cause?: unknown) => new Refused('session_ended', 'The session has ended: sign in again.', { cause });
