import { Client } from 'pg';
import type { Subscription } from '@tocsin/contracts/ports';
import { TopicListeners, type ListenedTopic } from '@tocsin/transport';
import { fullJitter, within } from '@tocsin/timing';
import { clientConfig, prepareSession, SESSION_LIMITS, type DatabaseConnection } from './connection';
import type { Role } from './roles';

interface ListeningSessionOptions {
  /** The database itself, not a pooler in transaction mode: LISTEN belongs to a session. */
  connection: DatabaseConnection;
  role: Role;
  /** What the server shows in pg_stat_activity. */
  applicationName: string;
}

/** What a listener of a channel is told. */
export interface ChannelListener {
  onNotification(payload: string): void;
  /** The session was interrupted and listens again. Notifications may have been missed. */
  onResumed(): void;
}

const CONNECT_WITHIN_MS = 3_000;
const BACK_OFF = { firstMs: 100, capMs: 2_000 };
/**
 * The interval of queries that only ask for an answer. A session that listens never writes, so without them a
 * connection that died silently would not be noticed.
 */
const PING_EVERY_MS = 5_000;
const PING_WITHIN_MS = 3_000;
/**
 * The other direction: PostgreSQL finds out within about ten seconds that the machine of this process has vanished,
 * which sends no end of the connection. With the defaults of a system that takes up to two hours, in which the lock of
 * the session keeps every other process from consuming. On a Unix socket they have no effect.
 */
const TCP_LIMITS = {
  tcp_user_timeout: 10_000, // milliseconds; the others are seconds and a number
  tcp_keepalives_idle: 5,
  tcp_keepalives_interval: 2,
  tcp_keepalives_count: 3,
};

/**
 * The one connection of a process that listens for notifications (LISTEN). It opens with the first listener, finds out
 * within ten seconds when it is dead, and connects again by itself. A channel is listened to once, however many
 * listeners it has, and until the session ends: the bus has few channels.
 */
export class ListeningSession {
  private readonly channels = new TopicListeners<ChannelListener>({
    begin: (channel) => {
      if (this.isListening) void this.listenTo([channel]);
    },
  });
  private readonly watchers = new Set<(listening: boolean) => void>();
  private client: Client | undefined;
  private opened = false;
  private closed = false;
  private isListening = false;
  private failures = 0;
  private failure: unknown;
  private waiting: NodeJS.Timeout | undefined;
  private pinging: NodeJS.Timeout | undefined;

  constructor(private readonly options: ListeningSessionOptions) {}

  /** Whether a connection is wanted: the first listener opens it. */
  get wanted(): boolean {
    return this.opened;
  }

  /** Whether notifications can arrive at present. */
  get listening(): boolean {
    return this.isListening;
  }

  /** What it was last lost by, or could not connect for; undefined while it listens. */
  get trouble(): unknown {
    return this.failure;
  }

  /** Calls `onChange` whenever `listening` has changed, and after each attempt to connect that failed. */
  watch(onChange: (listening: boolean) => void): void {
    this.watchers.add(onChange);
  }

  /**
   * Resolves once notifications arrive, or after 500 ms without PostgreSQL; `onResumed` follows then. Never rejects.
   */
  listen(name: string, listener: ChannelListener): Promise<Subscription> {
    this.open();
    return this.channels.add(name, listener);
  }

  /**
   * Runs a statement on this session, for locks that last as long as it does. Rejects while the session is away or when
   * it does not answer; the connection is then replaced.
   */
  async run<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    const { client } = this;
    if (!client || !this.isListening) throw new Error('The session is away.');
    try {
      const { rows } = await client.query(sql, [...parameters]);
      return rows as Row[];
    } catch (error) {
      this.replace(client, error);
      throw error;
    }
  }

  /** Connects if nothing has done so yet. May be called twice. */
  open(): void {
    if (this.opened || this.closed) return;
    this.opened = true;
    void this.connect();
    this.pinging = setInterval(() => void this.ping(), PING_EVERY_MS);
    this.pinging.unref();
  }

  /** Ends the session and every listener. May be called twice. Resolves when the connection is closed. */
  async close(): Promise<void> {
    this.closed = true;
    this.isListening = false;
    clearInterval(this.pinging);
    clearTimeout(this.waiting);
    this.channels.clear();
    const { client } = this;
    this.client = undefined;
    if (client) await within(PING_WITHIN_MS, client.end(), () => undefined).catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const { connection, role, applicationName } = this.options;
    const client = new Client({
      ...clientConfig(connection, role),
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      query_timeout: PING_WITHIN_MS,
      keepAlive: true,
    });
    this.client = client;
    client.on('error', (error) => this.replace(client, error));
    client.on('end', () => this.replace(client));
    client.on('notification', ({ channel, payload }) => this.deliver(channel, payload ?? ''));
    try {
      await client.connect();
      await prepareSession(client, connection, role, SESSION_LIMITS);
      await client.query(
        'select set_config(name, value, false) from unnest($1::text[], $2::text[]) as s (name, value)',
        [Object.keys(TCP_LIMITS), Object.values(TCP_LIMITS).map(String)],
      );
      if (this.client !== client) return;
      this.isListening = true;
      if (await this.listenTo(this.channels.all)) {
        this.failures = 0;
        this.failure = undefined;
        for (const watcher of this.watchers) watcher(true);
      }
    } catch (error) {
      this.replace(client, error);
    }
  }

  /** Drops the connection for a new one, unless that happened already. */
  private replace(client: Client, failure?: unknown): void {
    if (this.client !== client) return;
    this.client = undefined;
    this.failure = failure;
    // a connection that is silent would not end in an orderly way
    client.connection.stream.destroy();
    this.channels.interrupt();
    this.isListening = false;
    for (const watcher of this.watchers) watcher(false);
    if (this.closed) return;
    this.waiting = setTimeout(() => void this.connect(), fullJitter(this.failures++, BACK_OFF));
  }

  /** Listens to the channels, then tells the listeners that waited or may have missed notifications. */
  private async listenTo(channels: readonly ListenedTopic<ChannelListener>[]): Promise<boolean> {
    const { client } = this;
    if (!client) return false;
    try {
      if (channels.length > 0)
        await client.query(channels.map(({ name }) => `listen ${client.escapeIdentifier(name)}`).join(';'));
    } catch (error) {
      this.replace(client, error);
      return false;
    }
    if (this.client !== client) return false;
    this.channels.arrive(channels);
    return true;
  }

  private deliver(name: string, payload: string): void {
    for (const listener of this.channels.of(name)) listener.onNotification(payload);
  }

  private async ping(): Promise<void> {
    // a failure replaces the connection
    if (this.isListening) await this.run('select 1').catch(() => undefined);
  }
}
