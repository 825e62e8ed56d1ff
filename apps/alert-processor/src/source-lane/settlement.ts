import { setTimeout as sleep } from 'node:timers/promises';
import type { AlertSource, DeadDelivery, Delivery, SourceQueue } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { fullJitter } from '@tocsin/timing';
import type { BatchMessage, BatchOutcome, HandleBatch, MessageOutcome } from '../handle-batch';
import type { InHand } from './in-hand';
import type { Outage } from './outage';

const BURY_BACK_OFF = { firstMs: 200, capMs: 5_000, floorMs: 100 };
/** How often a lane warns while its dead letters cannot be buried, in milliseconds. */
const WARN_EVERY_MS = 60_000;

/** The mark that every message of a queue gets, by the kind of the queue. */
const MARKS: Readonly<Record<SourceQueue['kind'], Pick<BatchMessage, 'suspect' | 'given_up'> | undefined>> = {
  urgent: undefined,
  common: undefined,
  suspects: { suspect: true },
  given_up: { given_up: 'delivery_limit' },
};

/**
 * Hands deliveries of one queue to the handler until each has its outcome, and buries the dead ones. It gives up when
 * the session of the deliveries is lost, or when the lane is stopped during an outage.
 */
export class Settlement {
  private readonly mark;
  private warnedAt = -Infinity;

  constructor(
    private readonly queue: SourceQueue,
    private readonly handle: HandleBatch,
    private readonly source: Pick<AlertSource, 'bury'>,
    private readonly outage: Outage,
    private readonly stopping: AbortSignal,
    private readonly log: Log,
  ) {
    this.mark = MARKS[queue.kind];
  }

  /** The outcome of each delivery; undefined when they were given up. */
  async outcomesOf(inHand: InHand, deliveries: readonly Delivery[]) {
    const messages = deliveries.map(({ message }) => (this.mark ? { ...message, ...this.mark } : message));
    for (;;) {
      const outcome = await this.ask(messages);
      if (outcome.kind === 'settled') {
        this.outage.end();
        return outcome.outcomes;
      }
      if (!this.outage.lasting)
        this.log.warn(
          { queue: this.queue.name, reason: outcome.reason },
          'the messages in hand are kept and tried again',
        );
      await this.outage.begin();
      if (this.stopping.aborted || inHand.lost) return undefined;
    }
  }

  /** Waits for the late outcome of a delivery. True when it may leave the queue, false when it was given up. */
  async follow(inHand: InHand, delivery: Delivery, late: Promise<MessageOutcome>): Promise<boolean> {
    let outcome: MessageOutcome;
    try {
      outcome = await late;
    } catch {
      const again = (await this.outcomesOf(inHand, [delivery]))?.[0];
      if (!again) return false;
      if (again.outcome === 'late') return this.follow(inHand, delivery, again.result);
      outcome = again;
    }
    return outcome.outcome !== 'dead' || this.insistOnBurying(inHand, [{ ...outcome, delivery }]);
  }

  /** One attempt to bury: false when it failed. The log says why at most once a minute, however many are tried. */
  async buryOnce(dead: readonly DeadDelivery[]): Promise<boolean> {
    try {
      await this.source.bury(dead);
      return true;
    } catch (error) {
      const now = performance.now();
      if (now - this.warnedAt >= WARN_EVERY_MS) {
        this.warnedAt = now;
        this.log.warn({ queue: this.queue.name, err: error }, 'dead letters are kept and tried again');
      }
      return false;
    }
  }

  /** Buries, and tries again until it succeeds. False when the deliveries were given up. */
  async insistOnBurying(inHand: InHand, dead: readonly DeadDelivery[]): Promise<boolean> {
    for (let failures = 1; !inHand.lost; failures += 1) {
      if (await this.buryOnce(dead)) return true;
      if (this.stopping.aborted) return false;
      await sleep(fullJitter(failures - 1, BURY_BACK_OFF), undefined, { signal: this.stopping }).catch(() => {});
    }
    return false;
  }

  private async ask(messages: readonly BatchMessage[]): Promise<BatchOutcome> {
    try {
      const outcome = await this.handle(messages);
      if (outcome.kind === 'retry' || outcome.outcomes.length === messages.length) return outcome;
      return {
        kind: 'retry',
        reason: `The handler settled ${outcome.outcomes.length} of ${messages.length} messages.`,
      };
    } catch (error) {
      return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) };
    }
  }
}
