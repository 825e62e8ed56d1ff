import { MAX_MESSAGE_BYTES } from '@tocsin/messages';
import {
  SUSPECT_AFTER,
  type AlertSource,
  type DeadDelivery,
  type Delivery,
  type DeliveryListener,
  type DeliverySession,
  type SourceQueue,
} from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { Arrivals, MAX_BATCH } from './arrivals';
import type { HandleBatch } from '../handle-batch';
import { InHand, type Run } from './in-hand';
import type { Outage } from './outage';
import { Settlement } from './settlement';

/**
 * How many urgent batches may be under way. Urgent messages are few: those that arrive meanwhile join the next batch,
 * or start another when a batch takes long.
 */
const URGENT_UNDER_WAY = 4;

/**
 * Brings the messages of one queue to the handler, for any source: it forms batches of the deliveries, and
 * acknowledges each message once its outcome is known. Lanes share nothing but the outage, so no queue waits for
 * another.
 */
export class SourceLane implements DeliveryListener {
  private session: DeliverySession | undefined;
  private inHand: InHand | undefined;
  private readonly arrivals: Arrivals;
  private readonly settlement: Settlement;
  private readonly carrying = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly queue: SourceQueue,
    handle: HandleBatch,
    source: Pick<AlertSource, 'bury'>,
    private readonly outage: Outage,
    log: Log,
    private readonly metrics: Metrics,
  ) {
    // a second batch is read while one is stored, if it is worth a batch of its own; suspects go one by one
    const underWay = queue.kind === 'urgent' ? URGENT_UNDER_WAY : Math.ceil(queue.prefetch / MAX_BATCH);
    this.arrivals = new Arrivals(underWay, (batch) => this.handOver(batch));
    this.settlement = new Settlement(queue, handle, source, outage, this.stopping.signal, log);
    metrics.sourceConsumerUp.set({ queue: queue.name }, 0);
  }

  get idle(): boolean {
    return this.arrivals.isEmpty && (this.inHand?.isEmpty ?? true);
  }

  untilWanted(): Promise<void> {
    return this.outage.untilAnswered();
  }

  opened(session: DeliverySession): void {
    this.lost();
    this.session = session;
    this.inHand = new InHand(session);
    this.metrics.sourceConsumerUp.set({ queue: this.queue.name }, 1);
  }

  delivered(delivery: Delivery): void {
    if (!this.session) return;
    if (delivery.message.redelivered) this.metrics.sourceRedeliveries.inc();
    if (!this.isSuspect(delivery)) return this.arrivals.add(delivery);
    this.metrics.sourceSuspects.inc();
    this.session.park(delivery);
  }

  lost(): void {
    this.inHand?.lose();
    this.inHand = undefined;
    this.session = undefined;
    this.arrivals.clear();
    this.metrics.sourceConsumerUp.set({ queue: this.queue.name }, 0);
  }

  /** Resolves once all deliveries are settled or given up. After `cancelled` resolves, nothing more is delivered. */
  async stop(cancelled: Promise<void>): Promise<void> {
    this.stopping.abort();
    await cancelled;
    while (this.carrying.size > 0 || !this.arrivals.isEmpty) {
      this.arrivals.handOverNow();
      await Promise.all(this.carrying);
    }
  }

  /**
   * A message that is too large is a suspect too. The prefetch bounds the unsettled messages by number; a bound on
   * their size bounds them by bytes as well.
   */
  private isSuspect({ message, returns }: Delivery): boolean {
    return this.queue.parks && (message.body.length > MAX_MESSAGE_BYTES || returns >= SUSPECT_AFTER);
  }

  private handOver(batch: Delivery[]): void {
    const inHand = this.inHand!;
    const carried = this.carry(inHand, inHand.add(batch)).finally(() => this.carrying.delete(carried));
    this.carrying.add(carried);
  }

  /**
   * Hands a batch over until every message has its outcome, and acknowledges it. What is given up comes again in
   * another session.
   */
  private async carry(inHand: InHand, run: Run): Promise<void> {
    const outcomes = await this.settlement.outcomesOf(inHand, run.deliveries);
    this.arrivals.ended();
    if (!outcomes) return this.giveUp(inHand, run);

    const stragglers = new Map<Delivery, Promise<boolean>>();
    const dead: DeadDelivery[] = [];
    outcomes.forEach((outcome, index) => {
      const delivery = run.deliveries[index]!;
      if (outcome.outcome === 'dead') dead.push({ ...outcome, delivery });
      if (outcome.outcome === 'late')
        stragglers.set(delivery, this.settlement.follow(inHand, delivery, outcome.result));
    });
    if (dead.length > 0 && !(await this.settlement.buryOnce(dead))) {
      const buried = this.settlement.insistOnBurying(inHand, dead);
      for (const { delivery } of dead) stragglers.set(delivery, buried);
    }
    if (stragglers.size === 0) return inHand.settle(run);
    inHand.straggle(run, new Set(stragglers.keys()));
    for (const [delivery, fate] of stragglers) {
      if (await fate) inHand.letGo(run, delivery);
      else inHand.giveBack(run, [delivery]);
    }
  }

  /**
   * Gives a run back. Either the session is lost, and its messages come again without this; or the lane is stopping
   * during an outage, and then the waiting messages are given back too.
   */
  private giveUp(inHand: InHand, run: Run): void {
    inHand.giveBack(run);
    if (!this.stopping.signal.aborted) return;
    for (const delivery of this.arrivals.clear()) this.session?.giveBack(delivery);
  }
}
