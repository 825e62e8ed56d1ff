import type { Log } from '@tocsin/observability';

/** The shortest time between two warnings. */
const WARN_EVERY_MS = 60_000;
/** How many topics a warning names at most. */
const MOST_TOPICS = 10;

/**
 * Says that messages which are no hints were heard on the topics of hints, and dropped. The first one is told of at
 * once, with its topic; those of the next minute are counted and told of together with the first one after it.
 */
export class PlainDrops {
  private warnedAt = -Infinity;
  private messages = 0;
  private readonly topics = new Set<string>();

  constructor(
    private readonly log: Log,
    private readonly now: () => number = () => performance.now(),
  ) {}

  dropped(topic: string): void {
    this.messages += 1;
    if (this.topics.size < MOST_TOPICS) this.topics.add(topic);
    if (this.now() - this.warnedAt < WARN_EVERY_MS) return;
    this.log.warn(
      { topic, messages: this.messages, topics: [...this.topics] },
      'a plain message was dropped: it is no hint of this system. REDIS_PLAIN=bridge takes such messages as alerts',
    );
    this.warnedAt = this.now();
    this.messages = 0;
    this.topics.clear();
  }
}
