import { hintOf } from '../event';
import type { EventBus, PublishedHint } from './event-bus';
import type { AppendedEvent } from './event-log';

/** Where announcements are counted: as much of a process's metrics as they move. */
export interface AnnouncementCounts {
  countPublished(tenant: string, entries?: number): void;
  readonly publishFailures: { inc(): void };
}

/** Where an outage of the bus is told: as much of a process's log as that needs. */
export interface AnnouncementLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * Tells the gateways of entries that were committed. It is the one way to the bus for ingest, timers and acts.
 *
 * A bus that is away costs latency and nothing else, since the gateways read the log: the failure is counted at each
 * call, logged when the outage begins and when it is over, and never thrown.
 */
export class AnnounceEntries {
  private failing = false;

  constructor(
    private readonly eventBus: EventBus,
    private readonly counts: AnnouncementCounts,
    private readonly log: AnnouncementLog,
  ) {}

  /** Announces entries of any tenants, in their order. */
  async announce(events: readonly AppendedEvent[]): Promise<void> {
    await this.announceHints(events.map((event) => ({ tenant_id: event.tenant_id, ...hintOf(event) })));
  }

  /**
   * The same with hints that are made already. A hint without data only asks for a look at the log, and is not counted
   * as an entry. Gives back how many entries the bus took.
   */
  async announceHints(hints: readonly PublishedHint[]): Promise<number> {
    if (hints.length === 0) return 0;
    try {
      await this.eventBus.publish(hints);
    } catch (error) {
      this.counts.publishFailures.inc();
      if (!this.failing) this.log.warn({ err: error }, 'the bus takes no hints: the gateways read the log instead');
      this.failing = true;
      return 0;
    }
    if (this.failing) this.log.info({}, 'the bus takes hints again');
    this.failing = false;
    return this.count(hints);
  }

  private count(hints: readonly PublishedHint[]): number {
    const entries = new Map<string, number>();
    let all = 0;
    for (const { tenant_id, data } of hints) {
      if (data === null) continue;
      entries.set(tenant_id, (entries.get(tenant_id) ?? 0) + 1);
      all += 1;
    }
    for (const [tenant, count] of entries) this.counts.countPublished(tenant, count);
    return all;
  }
}
