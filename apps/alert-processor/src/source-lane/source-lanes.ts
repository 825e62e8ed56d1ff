import { AlertSource } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { within } from '@tocsin/timing';
import type { HandleBatch } from '../handle-batch';
import { Outage } from './outage';
import { SourceLane } from './source-lane';

/** What is in hand gets so long at the end, well within an orchestrator's grace period. */
const STOP_WITHIN_MS = 10_000;

/**
 * All queues of a source, each in a lane of its own: an urgent message never waits behind a backlog of the rest, nor anybody
 * behind a suspect. What the lanes share is what they know of an outage.
 */
export class SourceLanes {
  private present: { lanes: SourceLane[]; outage: Outage } | undefined;

  constructor(
    private readonly source: AlertSource,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  /** Starts to consume. Rejects with `Unavailable` when that cannot be done within the source's time. May be called twice. */
  async consume(handle: HandleBatch): Promise<void> {
    if (this.present) return;
    const outage = new Outage(
      async () => (await handle([])).kind === 'settled',
      (lasting) => lasting || this.log.info('what was in hand is settled again'),
    );
    const lanes: SourceLane[] = [];
    this.present = { lanes, outage };
    try {
      await this.source.consume((queue) => {
        const lane = new SourceLane(queue, handle, this.source, outage, this.log, this.metrics);
        lanes.push(lane);
        return lane;
      });
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Takes nothing more and resolves once what is in hand is settled, or after 10 s; what is left comes again. May be called twice. */
  async stop(): Promise<void> {
    const { present } = this;
    this.present = undefined;
    if (!present) return;
    const { lanes, outage } = present;
    outage.stop();
    const cancelled = this.source.cancel();
    await within(STOP_WITHIN_MS, Promise.all(lanes.map((lane) => lane.stop(cancelled))), () => undefined);
    for (const lane of lanes) lane.lost();
    await this.source.stop();
  }
}
