import { Doorbell, type Subscription } from '@tocsin/contracts/ports';
import type { NatsConnection } from '../connection';
import { TopicSubscriber } from './topic-subscriber';

const RING_WITHIN_MS = 500;

/**
 * The doorbell on the publish and subscribe of NATS: one subject for all tenants. A connection that comes back also
 * wakes the listeners, because a ring may have been missed meanwhile.
 */
export class NatsDoorbell extends Doorbell {
  private readonly subject: string;
  private readonly subscriber: TopicSubscriber;

  constructor(
    private readonly connection: NatsConnection,
    /** Stands before the subject. */
    prefix: string,
  ) {
    super();
    this.subject = `${prefix}deliveries`;
    this.subscriber = new TopicSubscriber(connection, () => undefined); // who listens looks by itself too
  }

  override async ring(): Promise<void> {
    await this.connection
      .run('bus', RING_WITHIN_MS, async (client) => {
        client.publish(this.subject);
        await client.flush();
      })
      .catch(() => undefined); // who listens looks by itself too
  }

  override onRing(listener: () => void): Promise<Subscription> {
    return this.subscriber.listen(this.subject, { onMessage: listener, onResumed: listener });
  }

  /** Ends every subscription. May be called twice. */
  close(): void {
    this.subscriber.close();
  }
}
