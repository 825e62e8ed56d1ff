import type { Delivery, DeliverySession } from '@tocsin/contracts/ports';

/** A batch that is not settled yet. Its deliveries are in the order of the session, and so are the runs. */
export interface Run {
  deliveries: Delivery[];
  settled: boolean;
  /** Only the deliveries whose outcome is late are left in it. */
  straggling: boolean;
}

/**
 * The unsettled deliveries of one session. It acknowledges up to the low-water mark: the acknowledgement of a run
 * covers every earlier one, so all earlier runs must be settled.
 *
 * Each session is a generation. What a lost session delivered comes again in the next one, so nothing is sent to a lost
 * session.
 */
export class InHand {
  private runs: Run[] = [];
  private isLost = false;

  constructor(private readonly session: DeliverySession) {}

  get lost(): boolean {
    return this.isLost;
  }

  get isEmpty(): boolean {
    return this.runs.length === 0;
  }

  /** The session is lost, and with it everything that was not acknowledged. */
  lose(): void {
    this.isLost = true;
    this.runs = [];
  }

  add(deliveries: Delivery[]): Run {
    const run: Run = { deliveries, settled: false, straggling: false };
    this.runs.push(run);
    return run;
  }

  /** Marks the run as settled: all its messages may leave the queue. */
  settle(run: Run): void {
    run.settled = true;
    this.acknowledge();
  }

  /** Acknowledges the deliveries of a run except `stragglers`, whose outcome is late. */
  straggle(run: Run, stragglers: ReadonlySet<Delivery>): void {
    if (this.isLost) return;
    for (const delivery of run.deliveries) if (!stragglers.has(delivery)) this.session.acknowledge(delivery);
    run.deliveries = run.deliveries.filter((delivery) => stragglers.has(delivery));
    run.straggling = true;
    this.acknowledge();
  }

  /** Acknowledges a straggler whose outcome is known now. */
  letGo(run: Run, delivery: Delivery): void {
    if (this.isLost) return;
    this.session.acknowledge(delivery);
    this.leave(run, [delivery]);
  }

  /** Gives the rest of a run, or some deliveries of it, back to the queue. They are delivered again. */
  giveBack(run: Run, deliveries: readonly Delivery[] = run.deliveries): void {
    if (this.isLost) return;
    for (const delivery of deliveries) this.session.giveBack(delivery);
    this.leave(run, deliveries);
  }

  private leave(run: Run, deliveries: readonly Delivery[]): void {
    run.deliveries = run.deliveries.filter((delivery) => !deliveries.includes(delivery));
    if (run.deliveries.length === 0) this.runs = this.runs.filter((one) => one !== run);
    this.acknowledge();
  }

  private acknowledge(): void {
    if (this.isLost) return;
    let last: Delivery | undefined;
    while (this.runs[0]?.settled) last = this.runs.shift()!.deliveries.at(-1);
    if (last) this.session.acknowledgeUpTo(last);
    if (!this.runs[0]?.straggling) return;
    // behind a straggler the low-water mark does not move, so later runs are acknowledged one by one
    for (const { deliveries } of this.runs.filter(({ settled }) => settled))
      for (const delivery of deliveries) this.session.acknowledge(delivery);
    this.runs = this.runs.filter(({ settled }) => !settled);
  }
}
