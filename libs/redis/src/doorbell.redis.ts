import { Doorbell, type Subscription } from '@tocsin/contracts/ports';
import type { RedisConnection } from './connection';
import { HintSubscriber } from './hint-subscriber';

interface RedisDoorbellOptions {
  url: string;
  /** The prefix of the topic. */
  prefix: string;
}

const RING_TIMEOUT_MS = 500;

/**
 * The doorbell on Redis Pub/Sub: one topic for all tenants. Listeners share a connection of their own, which opens with
 * the first listener. A reconnect also wakes the listeners, because a ring may have been missed meanwhile.
 */
export class RedisDoorbell extends Doorbell {
  private readonly topic: string;
  private readonly subscriber: HintSubscriber;

  constructor(
    { url, prefix }: RedisDoorbellOptions,
    private readonly commands: RedisConnection,
  ) {
    super();
    this.topic = `${prefix}deliveries`;
    this.subscriber = new HintSubscriber({ url, prefix, decode: () => undefined, onState: () => undefined });
  }

  override async ring(): Promise<void> {
    await this.commands.run('bus', RING_TIMEOUT_MS, (client) => client.publish(this.topic, '')).catch(() => undefined); // who listens looks by itself too
  }

  override onRing(listener: () => void): Promise<Subscription> {
    return this.subscriber.subscribe(this.topic, { onHint: listener, onResumed: listener });
  }

  /** Ends every subscription. May be called twice. */
  close(): void {
    this.subscriber.close();
  }
}
