import type { Doorbell, Subscription } from '@tocsin/contracts/ports';
import { within } from '@tocsin/timing';
import { ChannelPool, type PoolParts } from './channel-pool';
import type { Channel } from '@tocsin/contracts/wire';
import { configuredOf } from './channels/channels';
import type { DeliveryChannel } from './channels/delivery-channel';

/** How long aborted attempts and the last settlements may take to end, in milliseconds. */
const LAST_MS = 5_000;

interface DueDeliveriesOptions {
  /** How long attempts that are under way may go on after `stop`, in milliseconds. */
  drainMs: number;
}

/**
 * Sends the due deliveries with a pool for each channel. The doorbell wakes the pools, and without it they look once a
 * second. Any number of notifiers may run at the same time.
 */
export class DueDeliveries {
  private readonly pools: readonly ChannelPool[];
  private subscription: Promise<Subscription> | undefined;
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly channels: readonly DeliveryChannel[],
    private readonly doorbell: Doorbell,
    private readonly parts: PoolParts,
    private readonly options: DueDeliveriesOptions,
  ) {
    this.pools = channels.map((channel) => new ChannelPool(channel, parts));
  }

  /** The channels that have a provider. */
  get enabled(): Channel[] {
    return configuredOf(this.channels);
  }

  /** Begins to claim. May be called twice. */
  start(): void {
    if (this.subscription || this.stopping) return;
    this.subscription = this.doorbell.onRing(() => this.wake());
    this.parts.inHand.start();
    this.wake();
  }

  /**
   * Claims nothing more, gives back the deliveries that have not begun, lets attempts end within `drainMs`, settles
   * them, and closes the channels. Another notifier claims an unsettled delivery when its lease ends. May be called
   * twice.
   */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private wake(): void {
    for (const pool of this.pools) pool.wake();
  }

  private async end(): Promise<void> {
    const { inHand, settlements } = this.parts;
    void this.subscription?.then((subscription) => subscription.close());
    for (const pool of this.pools) pool.stop();
    const ended = Promise.all(this.pools.map((pool) => pool.ended()));
    await within(this.options.drainMs, ended, () => this.pools.forEach((pool) => pool.abort()));
    await within(
      LAST_MS,
      ended.then(() => settlements.drained()),
      () => undefined,
    );
    inHand.stop();
    await Promise.all(this.channels.map((channel) => within(LAST_MS, channel.close(), () => undefined)));
  }
}
