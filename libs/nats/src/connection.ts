import { setTimeout as sleep } from 'node:timers/promises';
import { connect, credsAuthenticator, type NatsConnection as Client } from '@nats-io/transport-node';
import { Unavailable, type DependencyRole } from '@tocsin/contracts';
import { fullJitter, within } from '@tocsin/timing';
import { serversOf } from './servers';

const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT = { firstMs: 100, capMs: 2_000 };
/** A connection that leaves three pings in a row without an answer is lost. Milliseconds. */
const PING_EVERY_MS = 2_000;
const PINGS_WITHOUT_ANSWER = 2;
const FLUSH_WITHIN_MS = 2_000;

interface NatsOptions {
  url: string;
  /** The content of a credentials file. */
  credentials?: string | undefined;
  /** The name that the server shows of the connection. */
  name: string;
}

/**
 * The one connection of a process, shared by all adapters. Reconnects by itself, for ever. While it is away, requests
 * fail at once: the client would drop them when it reconnects, and their callers would wait for their timeout.
 */
export class NatsConnection {
  #client: Client | undefined;
  #firstAttempt: Promise<void> | undefined;
  #connected = false;
  #lostAt: Date | undefined;
  /** What the last attempt to connect failed with; undefined while it is connected. */
  #trouble: unknown;
  readonly #onLost = new Set<(error: Error) => void>();
  #failures = 0;
  readonly #closing = new AbortController();
  readonly #watchers = new Set<() => void>();

  constructor(private readonly options: NatsOptions) {}

  get connected(): boolean {
    return this.#connected;
  }

  /** Which run of which server this is or was connected to: a server takes a new id when it starts. */
  get serverId(): string | undefined {
    return this.#client?.info?.server_id;
  }

  /** The client while it is connected. Throws `Unavailable` otherwise. */
  get client(): Client {
    if (!this.#client || !this.#connected) throw this.away('queue', new Error('not connected'));
    return this.#client;
  }

  /** Calls `onChange` whenever `connected` has changed. Returns how to end that. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  /** Starts to connect and returns at once. May be called twice. */
  open(): void {
    if (this.#firstAttempt || this.#closing.signal.aborted) return;
    this.#firstAttempt = new Promise((resolve) => void this.#connect(resolve));
  }

  /**
   * Does `work` for the port of this role. Throws `Unavailable` after `timeoutMs`, when the connection is lost
   * meanwhile, and at once while NATS is away.
   */
  async run<T>(role: DependencyRole, timeoutMs: number, work: (client: Client) => Promise<T>): Promise<T> {
    this.open();
    try {
      if (!this.#connected) await within(timeoutMs, this.#firstAttempt!, () => undefined);
      const late = () => {
        throw new Error(`no answer within ${timeoutMs} ms`);
      };
      return await within(timeoutMs, this.whileConnected(work), late);
    } catch (error) {
      // `whileConnected` does not know for which port it fails
      throw error instanceof Unavailable && error.role === role ? error : this.away(role, causeOf(error));
    }
  }

  /** Does `work`, and rejects with `Unavailable` as soon as the connection is lost, and at once while there is none. */
  async whileConnected<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { client } = this;
    let onLost: (error: Error) => void = () => undefined;
    const gone = new Promise<never>((_, reject) => this.#onLost.add((onLost = reject)));
    try {
      return await Promise.race([work(client), gone]);
    } finally {
      this.#onLost.delete(onLost);
    }
  }

  /** Resolves when the server has read what was sent, or after 2 s. */
  async flush(): Promise<void> {
    const flushed = this.#connected && this.#client ? this.#client.flush() : Promise.resolve();
    await within(
      FLUSH_WITHIN_MS,
      flushed.catch(() => undefined),
      () => undefined,
    );
  }

  /** Ends the connection; what was sent before reaches the server. May be called twice. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#client?.close().catch(() => undefined);
  }

  private away(role: DependencyRole, cause: unknown): Unavailable {
    const why = this.#trouble ?? cause;
    return new Unavailable(role, 'NATS does not answer.', { technology: 'nats', cause: why, since: this.#lostAt });
  }

  /** Connects for the first time. `attempted` is called after the first attempt, whatever came of it. */
  async #connect(attempted: () => void): Promise<void> {
    const { signal } = this.#closing;
    const { url, credentials, name } = this.options;
    for (; !signal.aborted; attempted())
      try {
        const client = await connect({
          ...serversOf(url),
          ...(credentials !== undefined && {
            authenticator: credsAuthenticator(new TextEncoder().encode(credentials)),
          }),
          name,
          timeout: CONNECT_TIMEOUT_MS,
          pingInterval: PING_EVERY_MS,
          maxPingOut: PINGS_WITHOUT_ANSWER,
          maxReconnectAttempts: -1,
          reconnectDelayHandler: () => fullJitter(this.#failures++, RECONNECT),
          // a password that is being changed must not end the connection for good
          ignoreAuthErrorAbort: true,
          noAsyncTraces: true,
        });
        if (signal.aborted) return void client.close().catch(() => undefined);
        this.#client = client;
        this.#is(true);
        void this.#follow(client);
        return attempted();
      } catch (error) {
        this.#trouble = error;
        this.#lostAt ??= new Date();
        await sleep(fullJitter(this.#failures++, RECONNECT), undefined, { signal, ref: false }).catch(() => undefined);
      }
  }

  async #follow(client: Client): Promise<void> {
    for await (const status of client.status()) {
      if (status.type === 'disconnect') this.#is(false);
      if (status.type === 'reconnect') this.#is(true);
      if (status.type === 'error' && !this.#connected) this.#trouble = status.error;
    }
    this.#is(false);
    // the client has given up, which it should not
    if (!this.#closing.signal.aborted) void this.#connect(() => undefined);
  }

  #is(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    if (connected) {
      this.#lostAt = undefined;
      this.#trouble = undefined;
      this.#failures = 0;
    } else {
      this.#lostAt = new Date();
      const error = this.away('queue', new Error('the connection was lost'));
      for (const fail of this.#onLost) fail(error);
    }
    for (const tell of this.#watchers) tell();
  }
}

const causeOf = (error: unknown): unknown => (error instanceof Unavailable ? error.cause : error);
