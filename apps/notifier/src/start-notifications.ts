import { Unavailable } from '@tocsin/contracts';
import type { Doorbell, NotificationPlace, Notifications, Subscription } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { within } from '@tocsin/timing';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How often the notifier looks for due notifications, in milliseconds. A notification starts at most this late, plus
 * the wait for the turn of its tenant.
 */
const EVERY_MS = 1_000;
/**
 * After a step that started notifications, others have the database for this many times as long as the step took. So
 * many notifications for the same minute do not delay the alerts that are stored meanwhile. The rest ends after
 * `EVERY_MS`, so one slow step does not hold up the notifications behind it.
 */
const REST = 2;
/** How many steps are taken at once to end notifications. The next time, once a second, the rest is ended. */
const FINISHES_AT_ONCE = 5;
/** A wait is this much shorter or longer at random, as a share, so that notifiers do not all look at the same time. */
const SPREAD = 0.1;
/** How long `stop` waits for the present step, in milliseconds. */
const STOP_WITHIN_MS = 5_000;

/**
 * Turns due notifications into deliveries, once a second and whenever the doorbell rings. Once a second it also ends
 * notifications whose deliveries are settled, and does so while many are started, too.
 *
 * Tenants take turns, step by step, and a step is one short transaction. So a crash leaves no notification half
 * started. Several notifiers may run this at the same time: each skips the notifications that another one is starting.
 */
export class StartNotifications {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private bell: Promise<Subscription> | undefined;
  /** Ends the wait between two runs. It does something only during that wait. */
  private wake: () => void = () => undefined;
  private rung = false;
  private finished: NotificationPlace | null = null;
  private finishNotBefore = 0;

  constructor(
    private readonly notifications: Pick<Notifications, 'start' | 'finish'>,
    private readonly doorbell: Pick<Doorbell, 'onRing' | 'ring'>,
    private readonly log: Log,
    private readonly everyMs = EVERY_MS,
  ) {}

  /** Starts the runs, the first one at once. May be called twice. */
  start(): void {
    if (this.running) return;
    this.bell = this.doorbell.onRing(() => {
      this.rung = true;
      this.wake();
    });
    this.running = this.run();
  }

  /** Begins no more steps, and resolves when the present step has ended, or after 5 s. May be called twice. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    if (this.running) await within(STOP_WITHIN_MS, this.running, () => undefined);
    await (await this.bell)?.close();
  }

  /**
   * Starts all due notifications, and rings for the notifiers that send them. Returns how many it started. Between the
   * steps it ends notifications, at most once a second.
   */
  async startDue(signal?: AbortSignal): Promise<number> {
    let started = 0;
    for (let isLeftOver = true; isLeftOver && !signal?.aborted;) {
      isLeftOver = false;
      // each round takes one step of every slice of tenants, so no tenant waits for another's backlog
      for (let behind: string | null = ''; behind !== null && !signal?.aborted;) {
        const begunAt = performance.now();
        const step = await this.notifications.start(behind);
        started += step.started;
        // a step that started nothing asks for no further round: other notifiers are starting what is left
        isLeftOver ||= step.left_over && step.started > 0;
        behind = step.next;
        for (const refused of step.refused)
          this.log.error({ ...refused }, 'a notification was cancelled: its deliveries cannot be stored');
        if (step.deliveries > 0) await this.ring();
        if (step.started > 0) {
          const restMs = Math.min(REST * (performance.now() - begunAt), this.everyMs);
          await sleep(restMs, undefined, { signal, ref: false }).catch(() => undefined);
        }
        await this.finish(signal);
      }
    }
    return started;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      this.rung = false;
      await this.attempt(() => this.startDue(signal), 'notifications could not be started');
      // a failed start must not keep those open whose deliveries are settled
      await this.attempt(() => this.finish(signal), 'notifications could not be ended');
      if (!signal.aborted && !this.rung) await this.wait();
    }
  }

  private async attempt(work: () => Promise<unknown>, failed: string): Promise<void> {
    try {
      await work();
    } catch (error) {
      // the health checks report an unreachable store; due notifications stay due
      if (!(error instanceof Unavailable)) this.log.error({ err: error }, failed);
    }
  }

  /** Ends notifications, unless it did so within about a second: a ring says nothing of settled deliveries. */
  private async finish(signal?: AbortSignal): Promise<void> {
    if (performance.now() < this.finishNotBefore) return;
    this.finishNotBefore = performance.now() + (1 - SPREAD) * this.everyMs;
    for (let step = 0; step < FINISHES_AT_ONCE && !signal?.aborted; step += 1) {
      this.finished = await this.notifications.finish(this.finished);
      if (this.finished === null) return;
    }
  }

  /** Rings for the other notifiers. This process hears its own ring too, and ignores it. */
  private async ring(): Promise<void> {
    await this.doorbell.ring();
    this.rung = false;
  }

  private wait(): Promise<void> {
    const ended = new AbortController();
    return new Promise((resolve) => {
      this.wake = () => ended.abort();
      const ms = this.everyMs * (1 - SPREAD + 2 * SPREAD * Math.random());
      sleep(ms, undefined, { signal: ended.signal, ref: false })
        .catch(() => undefined)
        .finally(() => {
          this.wake = () => undefined;
          resolve();
        });
    });
  }
}
