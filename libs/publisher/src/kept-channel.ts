import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { fullJitter } from '@tocsin/timing/back-off';
import { within } from '@tocsin/timing/deadline';
import { BrokerUnavailable } from './broker-unavailable';

/**
 * Declares what the channel needs and starts its consumers. When it rejects, there is no channel yet. `remade` is true
 * when the channel replaces one that was lost while the connection stayed open, and false again after such an attempt
 * failed.
 */
export type ChannelSetup = (channel: ConfirmChannel, remade: boolean) => Promise<void>;

/**
 * A broker that closes channel after channel is still reachable, so the cap is low: a consumer is back within 5 s, even
 * the fiftieth time. The floor is for the other consumers of a quorum queue that was deleted: RabbitMQ (3.10) tells
 * them some 30 ms later, and if the queue is declared again before that, it neither tells nor serves them.
 */
const REMAKE = { firstMs: 200, capMs: 2_000, floorMs: 100 };
/** A channel that lived shorter than this counts as one more failure: it does not reset the back-off. */
const STABLE_AFTER_MS = 10_000;

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

interface NewChannel {
  readonly channel: ConfirmChannel;
  open: boolean;
}

/**
 * A channel that exists whenever its connection does. A broker closes a channel for a single mistake (an unknown
 * delivery tag, a missing exchange) and leaves the connection open. amqplib recovers connections only, so the channel
 * is made again here, with back-off and jitter. Each new channel is another object, so a caller can tell that its own
 * is an old one.
 */
export class KeptChannel {
  private live: ChannelModel | undefined;
  private made: ConfirmChannel | undefined;
  private madeAt = 0;
  private failures = 0;
  private retry: NodeJS.Timeout | undefined;
  private ended = false;
  private lastError: unknown;
  private readonly waiters = new Set<Waiter>();

  constructor(
    private readonly setup: ChannelSetup,
    private readonly onLost: () => void = () => {},
    private readonly connectionError: () => unknown = () => undefined,
  ) {}

  /** The open channel, after its setup; undefined while there is none. */
  get current(): ConfirmChannel | undefined {
    return this.made;
  }

  /** Why there is no channel, or why the last attempt to make one failed; undefined while there is a channel. */
  get trouble(): unknown {
    return this.made ? undefined : (this.lastError ?? this.connectionError());
  }

  /**
   * Resolves once there is a channel. Rejects with `BrokerUnavailable` after `timeoutMs`, and when the channel is
   * ended.
   */
  async opened(timeoutMs: number): Promise<void> {
    if (this.made) return;
    if (this.ended) throw new BrokerUnavailable('closed', 'The connection is closed.');
    let waiter!: Waiter;
    const made = new Promise<void>((resolve, reject) => this.waiters.add((waiter = { resolve, reject })));
    try {
      await within(timeoutMs, made, () => {
        const cause = this.trouble;
        throw new BrokerUnavailable('unreachable', `No channel to RabbitMQ within ${timeoutMs} ms.`, { cause });
      });
    } finally {
      this.waiters.delete(waiter);
    }
  }

  /** Drops the present channel and makes another. */
  renew(): void {
    const channel = this.made;
    if (channel) void channel.close().catch(() => {});
    if (channel && this.live) this.lose(channel, this.live);
  }

  /**
   * Makes another channel while the present one is still used. `setup` decides when the other one takes over, and then
   * the present one is dropped: unlike with `renew`, there is a channel at every moment. Where `setup` rejects before,
   * this rejects too, and the present one stays. `takeOver` throws when one of the two is closed.
   */
  async replace(setup: (channel: ConfirmChannel, takeOver: () => void) => Promise<void>): Promise<void> {
    const { live, made: present } = this;
    if (!live || !present) return;
    const other = await this.create(live);
    try {
      await setup(other.channel, () => {
        if (!other.open || this.made !== present) throw new Error('The channel closed while it was replaced.');
        this.hold(other.channel);
        void present.close().catch(() => {});
      });
    } finally {
      if (this.made !== other.channel && other.open) void other.channel.close().catch(() => {});
    }
  }

  /** Called when the connection is open. */
  attach(live: ChannelModel): void {
    this.live = live;
    this.failures = 0;
    void this.make(live);
  }

  /** Called when the connection is lost, and its channels with it. */
  detach(): void {
    this.live = undefined;
    clearTimeout(this.retry);
    this.retry = undefined;
  }

  /** Ends the channel for good. Resolves once the broker has everything that was sent on it. */
  async end(reason: Error): Promise<void> {
    const channel = this.made;
    this.ended = true;
    this.detach();
    this.made = undefined;
    for (const waiter of this.waiters) waiter.reject(reason);
    await channel?.close().catch(() => {});
  }

  private async make(live: ChannelModel, remade = false): Promise<void> {
    let made: NewChannel | undefined;
    try {
      made = await this.create(live);
      await this.setup(made.channel, remade);
      if (!made.open || this.ended || this.live !== live)
        throw this.lastError ?? new Error('The channel closed while it was set up.');
    } catch (error) {
      this.lastError = error;
      if (made?.open) void made.channel.close().catch(() => {});
      this.makeLater(live);
      return;
    }
    this.hold(made.channel);
    for (const waiter of this.waiters) waiter.resolve();
  }

  private async create(live: ChannelModel): Promise<NewChannel> {
    const channel = await live.createConfirmChannel();
    const created = { channel, open: true };
    channel.on('error', (error) => (this.lastError = error));
    channel.once('close', () => {
      created.open = false;
      this.lose(channel, live);
    });
    return created;
  }

  private hold(channel: ConfirmChannel): void {
    this.made = channel;
    this.madeAt = Date.now();
    this.lastError = undefined;
  }

  private lose(channel: ConfirmChannel, live: ChannelModel): void {
    if (this.made !== channel) return;
    this.made = undefined;
    if (Date.now() - this.madeAt > STABLE_AFTER_MS) this.failures = 0;
    this.onLost();
    this.makeLater(live, true);
  }

  private makeLater(live: ChannelModel, remade = false): void {
    if (this.ended || this.live !== live || this.retry) return;
    this.retry = setTimeout(
      () => {
        this.retry = undefined;
        void this.make(live, remade);
      },
      fullJitter(this.failures++, REMAKE),
    );
  }
}
