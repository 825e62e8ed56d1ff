import { connect, type ChannelModel, type RecoveringChannelModel } from 'amqplib';
import { fullJitter } from '@tocsin/timing/back-off';
import { within } from '@tocsin/timing/deadline';
import { BrokerUnavailable } from './broker-unavailable';
import { KeptChannel, type ChannelSetup } from './kept-channel';

export interface BrokerConnectionOptions {
  /** `amqp://` or `amqps://`, with credentials. A `heartbeat` in its query wins over ours. */
  url: string;
  /** What the broker's list of connections calls this one. */
  name: string;
  /** Called when the broker starts and stops refusing to read what is published. */
  onBlocked?: (blocked: boolean) => void;
}

/** A silent broker is noticed after two to three of these. Seconds. */
const HEARTBEAT_S = 10;
const CONNECT_TIMEOUT_MS = 5_000;
/** Soon enough to resume within 10 s of the broker's return, for however many clients it has. */
const RECONNECT = { firstMs: 200, capMs: 5_000 };
/** A broker that does not answer a farewell is left without one. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * The one owner of a connection to RabbitMQ: opens it, opens it again for as long as it lasts, and gives it the channels
 * that are kept on it. Nothing is opened before `open`. Publishing and consuming take a connection each: a broker with an
 * alarm stops reading from whoever published, and acknowledgements on the same connection would stand still with it.
 */
export class BrokerConnection {
  private opening: Promise<RecoveringChannelModel> | undefined;
  private live: ChannelModel | undefined;
  private blocking = false;
  private readonly channels = new Set<KeptChannel>();
  /** Why the last attempt failed. */
  lastError: unknown;

  constructor(private readonly options: BrokerConnectionOptions) {}

  get connected(): boolean {
    return this.live !== undefined;
  }

  get blocked(): boolean {
    return this.blocking;
  }

  /** Starts to connect and returns at once. May be called twice. */
  open(): void {
    this.opening ??= this.start();
  }

  /** Keeps a channel on this connection: made with `setup` whenever there is a connection and no channel. */
  keep(setup: ChannelSetup, onLost?: () => void): KeptChannel {
    const channel = new KeptChannel(setup, onLost, () => this.lastError);
    this.channels.add(channel);
    if (this.live) channel.attach(this.live);
    return channel;
  }

  /** Closes every channel and the connection. May be called twice, and before `open`. Never throws. */
  async close(): Promise<void> {
    const opening = this.opening;
    this.opening = undefined;
    const channels = [...this.channels];
    this.channels.clear();
    // The connection's farewell does not wait for what channels still have to send, such as an acknowledgement; theirs does.
    await untilEnded(
      Promise.all(channels.map((channel) => channel.end(new BrokerUnavailable('closed', 'The connection is closed.')))),
    );
    const model = await opening;
    this.live = undefined;
    this.setBlocked(false);
    if (model) await untilEnded(model.close());
  }

  private async start(): Promise<RecoveringChannelModel> {
    const model = await connect(withHeartbeat(this.options.url), {
      noDelay: true,
      keepAlive: true,
      timeout: CONNECT_TIMEOUT_MS,
      clientProperties: { connection_name: this.options.name },
      // amqplib's own `setup` hook runs before it listens for the connection's errors, so channels are made after `connect`
      recovery: {
        waitForConnect: false,
        maxRetries: Infinity,
        calculateDelay: (attempt) => fullJitter(attempt - 1, RECONNECT),
      },
    });
    model.on('connect', (live) => {
      this.lastError = undefined;
      if (!this.opening) return;
      this.live = live;
      for (const channel of this.channels) channel.attach(live);
    });
    const gone = (error: Error) => {
      this.lastError = error;
      this.live = undefined;
      this.setBlocked(false);
      for (const channel of this.channels) channel.detach();
    };
    model.on('disconnect', gone);
    model.on('connect-failed', gone);
    model.on('blocked', () => this.setBlocked(true));
    model.on('unblocked', () => this.setBlocked(false));
    // what it says follows as `disconnect`; unheard it would end the process
    model.on('error', (error) => (this.lastError = error));
    return model;
  }

  private setBlocked(blocked: boolean): void {
    if (blocked === this.blocking) return;
    this.blocking = blocked;
    this.options.onBlocked?.(blocked);
  }
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(HEARTBEAT_S));
  return parsed.href;
}

/** Waits for a farewell, whatever comes of it, and not for long. */
const untilEnded = (farewell: Promise<unknown>): Promise<unknown> =>
  within(CLOSE_TIMEOUT_MS, farewell, () => undefined).catch(() => undefined);
