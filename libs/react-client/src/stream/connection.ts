import type { CloseFrame, ConnectionFrame, HeartbeatFrame } from '@tocsin/contracts/wire';
import type { Credential } from './credential';
import { openResponse, type Opened } from './open-response';
import { retryAfterMs, retryDelay } from './retry-delay';
import { SseParser, type SseFrame } from './sse-parser';
import type { StreamStatus } from './status';

/** After this many heartbeat periods without a byte the connection counts as stale. */
export const STALE_PERIODS = 2.5;
/** A stream that was open for this long, or had a heartbeat, resets the back-off. */
const WELL_AFTER_MS = 10_000;
/**
 * When the application could not renew the token, it is asked again after this time; meanwhile the present token is
 * used.
 */
const RENEW_AGAIN_MS = 5_000;

interface ConnectionOptions {
  /** The stream's address, with the whole query except the credential. */
  url: string;
  fetch: typeof fetch;
  credential: Credential;
  /** The cursor to resume at; null: begin now. */
  place(): string | null;
  /** Resolves when this connection may be opened. Rejects when `signal` is aborted. */
  turn(signal: AbortSignal): Promise<void>;
  /** Called with complete frames, in order; frames that arrived together come in one call. */
  onFrames(frames: readonly SseFrame[]): void;
  onStatus(patch: Partial<StreamStatus>): void;
  /** Called when the connection was refused for good: it goes on only when `retryNow` is called. */
  onGivenUp(): void;
}

type Outcome =
  | { next: 'now' }
  | { next: 'later'; reason: string; detail?: string | null; askedMs?: number }
  | { next: 'never'; state: 'signed_out' | 'forbidden'; reason: string; detail?: string | null };

/**
 * One connection that is kept up: it retries until it is stopped or refused for good. It reads from frames only what
 * concerns the connection itself (clock, heartbeat, close); its owner handles what they mean to the application.
 */
export class Connection {
  private running: AbortController | null = null;
  /** Aborts the attempt or stream that is under way. */
  private current: AbortController | null = null;
  /** The outcome to report when we cut the stream ourselves. */
  private afterCut: Outcome | null = null;
  private wake: (() => void) | null = null;
  private failures = 0;
  /** How often the credential was refused since a stream was last opened. */
  private refusals = 0;
  private givenUp = false;
  private everOpened = false;
  private openedAt = 0;
  private lastByteAt = 0;
  private heartbeatMs = 15_000;

  constructor(private readonly options: ConnectionOptions) {}

  /** Whether the connection was refused for good and waits for `retryNow`. */
  get hasGivenUp(): boolean {
    return this.givenUp;
  }

  start(): void {
    if (this.running) return;
    this.running = new AbortController();
    void this.run(this.running.signal);
  }

  stop(): void {
    this.running?.abort();
    this.running = null;
    this.wake?.();
  }

  /**
   * Ends the wait before the next attempt, and cuts a stream that is silent. Call it when the network is back, when the
   * page is visible again, or when the user asked for it. With `evenIfWell` it cuts a healthy stream too.
   */
  retryNow({ evenIfWell = false } = {}): void {
    this.failures = 0;
    this.refusals = 0;
    if (this.wake) this.wake();
    else if (evenIfWell || this.isSilent()) this.cut({ next: 'now' });
  }

  /** Cuts the stream when the browser reports that there is no network, because the browser knows before TCP does. */
  networkLost(): void {
    if (this.openedAt > 0) this.cut({ next: 'later', reason: 'network' });
  }

  private isSilent(): boolean {
    return this.openedAt > 0 && Date.now() - this.lastByteAt > STALE_PERIODS * this.heartbeatMs;
  }

  private cut(outcome: Outcome): void {
    this.afterCut = outcome;
    this.current?.abort();
  }

  private async run(signal: AbortSignal): Promise<void> {
    this.options.onStatus({ state: this.everOpened ? 'reconnecting' : 'connecting', retryAt: null });
    while (!signal.aborted) {
      const outcome = await this.attempt(signal);
      if (signal.aborted) return;
      if (outcome.next === 'now') continue;
      const { reason, detail = null } = outcome;
      if (outcome.next === 'never') {
        this.options.onStatus({ state: outcome.state, reason, detail, retryAt: null });
        this.givenUp = true;
        if (outcome.state === 'signed_out') this.options.credential.refuse();
        this.options.onGivenUp();
        await this.sleep(null);
        this.options.credential.resume();
        this.givenUp = false;
      } else {
        const delay = retryDelay(this.failures, outcome.askedMs);
        this.failures += 1;
        const state = globalThis.navigator?.onLine === false ? 'offline' : 'reconnecting';
        this.options.onStatus({ state, reason, detail, retryAt: Date.now() + delay });
        await this.sleep(delay);
      }
      if (!signal.aborted)
        this.options.onStatus({
          retryAt: null,
          ...(outcome.next === 'never' && { state: 'connecting', reason: null, detail: null }),
        });
    }
  }

  /** Waits for `ms` or until `wake` is called; with null only for `wake`. */
  private sleep(ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === null ? undefined : setTimeout(() => this.wake?.(), ms);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
    });
  }

  private async attempt(signal: AbortSignal): Promise<Outcome> {
    const { credential } = this.options;
    const current = new AbortController();
    signal.addEventListener('abort', () => current.abort(), { once: true, signal: current.signal });
    this.current = current;
    this.afterCut = null;
    try {
      // the user must be known before the tabs decide which of them may connect
      if (!(await credential.forApi())) return { next: 'never', state: 'signed_out', reason: 'no_credential' };
      current.signal.throwIfAborted();
      await this.options.turn(current.signal);
      current.signal.throwIfAborted();
      const signature = await credential.forStream();
      if (!signature) return { next: 'never', state: 'signed_out', reason: 'no_credential' };
      const place = this.options.place();
      const headers = { ...signature.headers, ...(place !== null && { 'Last-Event-ID': place }) };
      const withCookies = Object.keys(signature.headers).length + Object.keys(signature.query).length === 0;
      const opened = await openResponse(
        this.options.fetch,
        { url: withQuery(this.options.url, signature.query), headers, withCookies },
        current.signal,
      );
      return opened.kind === 'stream' ? await this.read(opened.body, place) : await this.judge(opened);
    } catch {
      // we aborted it, or there is no network, or the application could not give a token: all of these are temporary
      return this.afterCut ?? { next: 'later', reason: 'network' };
    } finally {
      this.openedAt = 0;
      current.abort();
    }
  }

  /**
   * Decides what follows a response that is no stream. Only the gateway's own problem ends the retries: a proxy's 404
   * may be a deployment.
   */
  private async judge({ status, problem, retryAfter }: Extract<Opened, { kind: 'answer' }>): Promise<Outcome> {
    if (status === 401) return this.refused(problem?.code ?? 'http_401', problem?.detail);
    if (problem && status >= 400 && status < 500 && ![408, 425, 429].includes(status)) {
      return { next: 'never', state: 'forbidden', reason: problem.code, detail: problem.detail ?? problem.title };
    }
    const reason = problem?.code ?? (status === 200 ? 'not_a_stream' : `http_${status}`);
    return { next: 'later', reason, detail: problem?.detail ?? null, askedMs: retryAfterMs(retryAfter, Date.now()) };
  }

  /**
   * After a refused credential asks the application for another one, once; after a second refusal the user must sign
   * in.
   */
  private async refused(reason: string, detail?: string | null): Promise<Outcome> {
    this.refusals += 1;
    const { credential } = this.options;
    if (this.refusals > 1 || !credential.isRenewable) return { next: 'never', state: 'signed_out', reason, detail };
    // each attempt asks for a ticket anyway
    if (credential.usesTickets) return { next: 'now' };
    try {
      return (await credential.renew('refused')) === null
        ? { next: 'never', state: 'signed_out', reason, detail }
        : { next: 'now' };
    } catch {
      // the application could not give a token: that does not mean that the user is signed out
      this.refusals -= 1;
      return { next: 'later', reason, detail };
    }
  }

  private async read(body: ReadableStream<Uint8Array>, place: string | null): Promise<Outcome> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new SseParser(place ?? '');
    this.openedAt = this.lastByteAt = Date.now();
    const watching = this.watch();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return { next: 'later', reason: 'network', askedMs: parser.retryMs };
        this.lastByteAt = Date.now();
        const frames = parser.push(decoder.decode(value, { stream: true }));
        if (frames.length === 0) continue;
        for (const frame of frames) this.notice(frame);
        this.options.onFrames(frames);
        const close = frames.find(({ event }) => event === 'close');
        if (close) return await this.afterClose(JSON.parse(close.data!) as CloseFrame);
      }
    } catch {
      return this.afterCut ?? { next: 'later', reason: 'network', askedMs: parser.retryMs };
    } finally {
      watching.stop();
      if (Date.now() - this.openedAt > WELL_AFTER_MS) this.failures = 0;
    }
  }

  private async afterClose({ reason, action, retry_ms }: CloseFrame): Promise<Outcome> {
    if (action === 'stop') return { next: 'never', state: 'forbidden', reason };
    if (action === 'reauthenticate') return this.refused(reason);
    return { next: 'later', reason, askedMs: retry_ms };
  }

  /**
   * Takes from a frame what concerns the connection itself: the heartbeat period, the server's clock and the back-off.
   */
  private notice({ event, data }: SseFrame): void {
    if (event === 'connection') {
      const { heartbeat_ms, server_time } = JSON.parse(data!) as ConnectionFrame;
      this.heartbeatMs = heartbeat_ms;
      this.everOpened = true;
      this.refusals = 0;
      this.setClock(server_time);
    } else if (event === 'heartbeat') {
      this.failures = 0;
      this.setClock((JSON.parse(data!) as HeartbeatFrame).server_time);
    }
  }

  private setClock(serverTime: string): void {
    this.options.credential.clockOffsetMs = Date.parse(serverTime) - Date.now();
    this.options.onStatus({ clockOffsetMs: this.options.credential.clockOffsetMs });
  }

  /**
   * While a stream is open: cuts it when it is silent for too long, or when its token is about to expire and a new one
   * was given.
   */
  private watch(): { stop(): void } {
    let timer: ReturnType<typeof setTimeout>;
    let renewing = false;
    let stopped = false;
    const look = () => {
      if (this.isSilent()) {
        this.options.onStatus({ state: 'stale', reason: 'silent' });
        return this.cut({ next: 'now' });
      }
      const { credential } = this.options;
      if (credential.renewInMs <= 0 && !renewing) {
        renewing = true;
        // first the new token, then the cut: the application may need a while to give one
        void credential.renewed().then(
          (changed) => {
            renewing = false;
            if (changed && !stopped) this.cut({ next: 'now' });
          },
          () => setTimeout(() => (renewing = false), RENEW_AGAIN_MS),
        );
      }
      const silentIn = STALE_PERIODS * this.heartbeatMs - (Date.now() - this.lastByteAt);
      timer = setTimeout(
        look,
        Math.max(100, Math.min(silentIn + 1, renewing ? Infinity : credential.renewInMs + 1, 60_000)),
      );
    };
    timer = setTimeout(look, 1_000);
    const stop = () => {
      stopped = true;
      clearTimeout(timer);
    };
    return { stop };
  }
}

function withQuery(url: string, query: Record<string, string>): string {
  const parameters = new URLSearchParams(query).toString();
  return parameters ? `${url}${url.includes('?') ? '&' : '?'}${parameters}` : url;
}
