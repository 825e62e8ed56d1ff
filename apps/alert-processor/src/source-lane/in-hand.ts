import type { Delivery, DeliverySession } from '@tocsin/contracts/ports';

/** A batch in hand. Its deliveries stand in the order of the session, as do the runs. */
export interface Run {
  deliveries: Delivery[];
  settled: boolean;
  /** Only what takes long is left of it. */
  straggling: boolean;
}

/**
 * What one session has delivered and has not been told the end of. It acknowledges up to the low-water mark: the
 * acknowledgement of a run covers every earlier one, so all of them must be settled.
 *
 * Each session is a generation. What it delivered comes again in the next one, so nothing is told to a session that is lost.
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

  /** The session is gone, and with it all that was not acknowledged. */
  lose(): void {
    this.isLost = true;
    this.runs = [];
  }

  add(deliveries: Delivery[]): Run {
    const run: Run = { deliveries, settled: false, straggling: false };
    this.runs.push(run);
    return run;
  }

  /** Every message of the run may leave the queue. */
  settle(run: Run): void {
    run.settled = true;
    this.acknowledge();
  }

  /** Lets all of a run go but what takes long. */
  straggle(run: Run, stragglers: ReadonlySet<Delivery>): void {
    if (this.isLost) return;
    for (const delivery of run.deliveries) if (!stragglers.has(delivery)) this.session.acknowledge(delivery);
    run.deliveries = run.deliveries.filter((delivery) => stragglers.has(delivery));
    run.straggling = true;
    this.acknowledge();
  }

  /** Lets one go that took long. */
  letGo(run: Run, delivery: Delivery): void {
    if (this.isLost) return;
    this.session.acknowledge(delivery);
    this.leave(run, [delivery]);
  }

  /** Gives up what is left of a run, or some of it: others will have it. */
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
    // behind one that takes long there is no mark to wait for
    for (const { deliveries } of this.runs.filter(({ settled }) => settled))
      for (const delivery of deliveries) this.session.acknowledge(delivery);
    this.runs = this.runs.filter(({ settled }) => !settled);
  }
}
