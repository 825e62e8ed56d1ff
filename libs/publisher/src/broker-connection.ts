import { connect, type ChannelModel, type RecoveringChannelModel } from 'amqplib';
import { fullJitter } from '@tocsin/timing/back-off';
import { within } from '@tocsin/timing/deadline';
import { BrokerAddresses } from './broker-addresses';
import { BrokerUnavailable } from './broker-unavailable';
import { KeptChannel, type ChannelSetup } from './kept-channel';

export interface BrokerConnectionOptions {
  /**
   * `amqp://` or `amqps://`, with credentials. A `heartbeat` in the query takes precedence over the default of 10 s.
   * Of several addresses, separated by commas, each attempt to connect takes the next.
   */
  url: string;
  /** The connection's name in the broker's list of connections. */
  name: string;
  /** Called when the broker starts and when it stops refusing to read published messages. */
  onBlocked?: (blocked: boolean) => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Short enough to resume within 10 s of the broker's return, however many clients it has. */
const RECONNECT = { firstMs: 200, capMs: 5_000 };
/** How long to wait for the broker to confirm that the connection is closed. After that it is dropped. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * The one owner of a connection to RabbitMQ: opens it, reopens it until it is closed, and gives it the channels that
 * are kept on it. Nothing is opened before `open`. Publishing and consuming use a connection each: a broker with an
 * alarm stops reading from connections that published, and acknowledgements on the same connection would stop with
 * them.
 */
export class BrokerConnection {
  private opening: Promise<RecoveringChannelModel> | undefined;
  private live: ChannelModel | undefined;
  private blocking = false;
  private readonly channels = new Set<KeptChannel>();
  private readonly addresses: BrokerAddresses;
  /** Why the last attempt failed. */
  lastError: unknown;

  /**
   * Throws a `TypeError` when an address is none. `open` returns at once, so its caller could not catch that, and Node
   * would end the process for the rejection.
   */
  constructor(private readonly options: BrokerConnectionOptions) {
    this.addresses = new BrokerAddresses(options.url);
  }

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

  /** Keeps a channel on this connection: `setup` makes it whenever there is a connection and no channel. */
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
    // Closing the connection does not wait for frames that channels still have to send, such as an acknowledgement;
    // closing the channels does.
    await untilEnded(
      Promise.all(channels.map((channel) => channel.end(new BrokerUnavailable('closed', 'The connection is closed.')))),
    );
    const model = await opening;
    this.live = undefined;
    this.setBlocked(false);
    if (model) await untilEnded(model.close());
  }

  private async start(): Promise<RecoveringChannelModel> {
    const { addresses } = this;
    const model = await connect(addresses, {
      noDelay: true,
      keepAlive: true,
      timeout: CONNECT_TIMEOUT_MS,
      clientProperties: { connection_name: this.options.name },
      // amqplib calls its own `setup` hook before it listens for the connection's errors, so channels are made after
      // `connect`
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
      addresses.next();
      this.lastError = error;
      this.live = undefined;
      this.setBlocked(false);
      for (const channel of this.channels) channel.detach();
    };
    model.on('disconnect', gone);
    model.on('connect-failed', gone);
    model.on('blocked', () => this.setBlocked(true));
    model.on('unblocked', () => this.setBlocked(false));
    // `disconnect` follows with the reason; an `error` event without a listener would end the process
    model.on('error', (error) => (this.lastError = error));
    return model;
  }

  private setBlocked(blocked: boolean): void {
    if (blocked === this.blocking) return;
    this.blocking = blocked;
    this.options.onBlocked?.(blocked);
  }
}

/** Waits until a connection or a channel is closed, at most CLOSE_TIMEOUT_MS. Ignores an error. */
const untilEnded = (farewell: Promise<unknown>): Promise<unknown> =>
  within(CLOSE_TIMEOUT_MS, farewell, () => undefined).catch(() => undefined);
