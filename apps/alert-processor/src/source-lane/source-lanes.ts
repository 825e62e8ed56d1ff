import { AlertSource } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { within } from '@tocsin/timing';
import type { HandleBatch } from '../handle-batch';
import { Outage } from './outage';
import { SourceLane } from './source-lane';

/**
 * How long unsettled messages may take when the process stops, in milliseconds: well within the grace period of an
 * orchestrator.
 */
const STOP_WITHIN_MS = 10_000;

/**
 * All queues of a source, each in a lane of its own: an urgent message never waits behind a backlog of other messages,
 * and no message waits behind a suspect. The lanes share only what they know of an outage.
 */
export class SourceLanes {
  private present: { lanes: SourceLane[]; outage: Outage } | undefined;

  constructor(
    private readonly source: AlertSource,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Starts to consume. Rejects with `Unavailable` when the source cannot consume within its time limit. May be called
   * twice.
   */
  async consume(handle: HandleBatch): Promise<void> {
    if (this.present) return;
    const outage = new Outage(
      async () => (await handle([])).kind === 'settled',
      (lasting) => lasting || this.log.info('the outage is over: messages are settled again'),
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

  /**
   * Takes no more messages. Resolves once those in hand are settled, or after 10 s; the rest is delivered again. May be
   * called twice.
   */
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
