import { setTimeout as sleep } from 'node:timers/promises';
import { fullJitter } from '@tocsin/timing/back-off';
import { BrokerError } from './broker-error';
import type { BrokerEvent } from './event';
import type { EventFilter, EventProvider } from './event-provider';

export interface RemoteEventsOptions {
  provider: EventProvider;
  origin: string;
  instanceId: string;
  patterns: () => readonly string[];
  hears: (type: string) => boolean;
  /** Resolves when there was room for it: the stream is read no faster. */
  arrive: (event: BrokerEvent, isOwn: boolean) => Promise<void>;
  onTrouble: (error: unknown) => void;
}

const BACK_OFF = { firstMs: 200, capMs: 5_000, floorMs: 100 };

/**
 * The events that this run of the process has not published itself: those of other instances, those that a transaction
 * of this instance committed, and at the start those that the instance left unfinished.
 */
export class RemoteEvents {
  private readonly stopping = new AbortController();
  private reading: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: RemoteEventsOptions) {}

  /** Resolves when everything that is published from now on is heard. */
  async start(): Promise<void> {
    const startedAt = new Date();
    const stream = await this.open();
    this.reading = Promise.all([this.read(stream), this.takeUp(startedAt)]);
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.reading;
  }

  private open(): Promise<AsyncIterable<BrokerEvent>> {
    const { provider, patterns, origin } = this.options;
    return provider.stream({ patterns, withoutOrigin: origin, signal: this.stopping.signal });
  }

  /** Never rejects. A stream that broke is opened again, and what was missed meanwhile is said once. */
  private async read(first: AsyncIterable<BrokerEvent>): Promise<void> {
    let stream: AsyncIterable<BrokerEvent> | undefined = first;
    for (let failures = 0; !this.stopping.signal.aborted;) {
      try {
        stream ??= await this.open();
        for await (const event of stream) {
          failures = 0;
          await this.options.arrive(event, event.instance_id === this.options.instanceId);
          if (this.stopping.signal.aborted) return;
        }
        return; // the provider was closed
      } catch (error) {
        this.options.onTrouble(error);
        stream = undefined;
        await this.pause(failures);
        failures += 1;
      }
    }
  }

  /** Never rejects. What no subscription hears yet is left as it is: the handler of it may be missing by mistake. */
  private async takeUp(startedAt: Date): Promise<void> {
    // one that fails again meanwhile is `pending`, and would be found twice
    const taken = new Set<string>();
    for (const status of ['processing', 'pending'] as const)
      await this.takeAll({ instance_id: this.options.instanceId, status, end_time: startedAt, limit: 100 }, taken);
  }

  private async takeAll(filter: EventFilter, taken: Set<string>): Promise<void> {
    const { provider, hears, arrive, onTrouble } = this.options;
    let after_id: string | undefined;
    for (let failures = 0; !this.stopping.signal.aborted;) {
      try {
        const page = await provider.list({ ...filter, after_id });
        failures = 0;
        for (const event of page) {
          if (this.stopping.signal.aborted) return;
          if (taken.has(event.id) || !hears(event.type)) continue;
          taken.add(event.id);
          await arrive(event, true);
        }
        if (page.length === 0) return;
        after_id = page.at(-1)!.id;
      } catch (error) {
        // the last event of the page was deleted meanwhile: the next pass from the beginning finds the rest
        if (error instanceof BrokerError && error.code === 'unknown_event') after_id = undefined;
        else onTrouble(error);
        await this.pause(failures);
        failures += 1;
      }
    }
  }

  private async pause(failures: number): Promise<void> {
    const { signal } = this.stopping;
    await sleep(fullJitter(failures, BACK_OFF), undefined, { signal }).catch(() => undefined);
  }
}
