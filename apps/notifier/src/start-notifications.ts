import { Unavailable } from '@tocsin/contracts';
import type { Doorbell, NotificationPlace, Notifications, Subscription } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { within } from '@tocsin/timing';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often due notifications are looked for, in milliseconds. A notification starts at most this late, plus its turn. */
const EVERY_MS = 1_000;
/** How many steps of ending notifications one run takes: what is left is ended by the next runs. */
const FINISHES_PER_RUN = 5;
/** How long `stop` waits for the present step, in milliseconds. */
const STOP_WITHIN_MS = 5_000;

/**
 * Turns due notifications into deliveries, once a second and whenever the doorbell rings. Tenants take turns, step by
 * step; a step is one short transaction. Several notifiers may run this at the same time: what one of them starts, the
 * others pass over, and a crash leaves nothing half started. Notifications whose deliveries are settled are ended here
 * too.
 */
export class StartNotifications {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private bell: Promise<Subscription> | undefined;
  /** Set while a run waits for the next one: ends the wait. */
  private wake: () => void = () => undefined;
  private rung = false;
  private finished: NotificationPlace | null = null;

  constructor(
    private readonly notifications: Pick<Notifications, 'start' | 'finish'>,
    private readonly doorbell: Pick<Doorbell, 'onRing' | 'ring'>,
    private readonly log: Log,
    private readonly everyMs = EVERY_MS,
  ) {}

  /** The first run begins at once. May be called twice. */
  start(): void {
    if (this.running) return;
    this.bell = this.doorbell.onRing(() => {
      this.rung = true;
      this.wake();
    });
    this.running = this.run();
  }

  /** Begins no more steps, and resolves when the present one has ended, or after 5 s. May be called twice. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    if (this.running) await within(STOP_WITHIN_MS, this.running, () => undefined);
    await (await this.bell)?.close();
  }

  /** Starts all that is due, and rings for those who send it. Returns how many notifications it started. */
  async startDue(signal?: AbortSignal): Promise<number> {
    let started = 0;
    for (let isLeftOver = true; isLeftOver && !signal?.aborted;) {
      isLeftOver = false;
      // one step of each slice of the tenants, and then again from the first one: no tenant waits for another's backlog
      for (let behind: string | null = ''; behind !== null && !signal?.aborted;) {
        const step = await this.notifications.start(behind);
        started += step.started;
        // what other notifiers hold is theirs: a step that found nothing asks for no further round
        isLeftOver ||= step.left_over && step.started > 0;
        behind = step.next;
        if (step.deliveries > 0) await this.ring();
      }
    }
    return started;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      this.rung = false;
      try {
        await this.startDue(signal);
        await this.finish(signal);
      } catch (error) {
        // health reports a store that is away; what is due stays due
        if (!(error instanceof Unavailable)) this.log.error({ err: error }, 'notifications could not be started');
      }
      if (!signal.aborted && !this.rung) await this.wait();
    }
  }

  private async finish(signal: AbortSignal): Promise<void> {
    for (let step = 0; step < FINISHES_PER_RUN && !signal.aborted; step += 1) {
      this.finished = await this.notifications.finish(this.finished);
      if (this.finished === null) return;
    }
  }

  /** Rings for the others. This ring comes back, and there is nothing to do about it. */
  private async ring(): Promise<void> {
    await this.doorbell.ring();
    this.rung = false;
  }

  private wait(): Promise<void> {
    const ended = new AbortController();
    return new Promise((resolve) => {
      this.wake = () => ended.abort();
      const ms = this.everyMs * (0.9 + Math.random() / 5);
      sleep(ms, undefined, { signal: ended.signal, ref: false })
        .catch(() => undefined)
        .finally(() => {
          this.wake = () => undefined;
          resolve();
        });
    });
  }
}
