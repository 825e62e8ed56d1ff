import { topicOf } from '@tocsin/contracts';
import type { PublishedHint } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { RedisConnection } from '../connection';

const PUBLISH_TIMEOUT_MS = 500;
/** How many batches may be under way. A further one is not sent, so that a slow Redis never fills the memory. */
const MOST_UNDER_WAY = 16;

/**
 * Entries as plain JSON on `<prefix>alerts:<tenant>`, one message each, for subscribers that know nothing of hints.
 * They are neither signed nor repeated: what is lost here is still in the event log. A failure is counted and never
 * thrown. They have a connection of their own, so that a burst of them, or its end, holds up no hint.
 */
export class PlainTopics {
  private readonly connection: RedisConnection;
  private underWay = 0;
  private failing = false;

  /** `prefix` stands before every topic; it must differ from the prefix of the hints. */
  constructor(
    url: string,
    private readonly prefix: string,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {
    this.connection = new RedisConnection(url, prefix);
  }

  /** Sends the entries that these hints carry, in their order. The caller need not wait. Never rejects. */
  async publish(hints: readonly PublishedHint[]): Promise<void> {
    const entries = hints.filter(({ data }) => data !== null);
    if (entries.length === 0) return;
    this.underWay += 1;
    try {
      if (this.underWay > MOST_UNDER_WAY) throw new Error(`${MOST_UNDER_WAY} batches are under way`);
      const results = await this.connection.run('bus', PUBLISH_TIMEOUT_MS, (client) => {
        const burst = client.pipeline();
        for (const { tenant_id, data } of entries) burst.publish(topicOf(tenant_id, this.prefix), data!);
        return burst.exec();
      });
      const refused = results?.find(([error]) => error)?.[0];
      if (refused) throw refused;
      this.failing = false;
    } catch (error) {
      this.metrics.plainPublishFailures.inc();
      if (!this.failing) this.log.warn({ err: error }, 'plain messages of new entries are not sent');
      this.failing = true;
    } finally {
      this.underWay -= 1;
    }
  }
  /** May be called twice. */
  close(): void {
    this.connection.close();
  }
}
