import { within } from '@tocsin/timing/deadline';
import { BrokerError } from './broker-error';

interface Delayed<Job> {
  job: Job;
  timer: NodeJS.Timeout;
}

/**
 * Runs jobs, `workerCount` at the same time, with a bounded queue before them. A job that waits for another attempt
 * holds no worker, only its place in the queue. A job whose `run` rejects is done; its error goes to
 * `onTrouble`.
 */
export class WorkerPool<Job> {
  private readonly queue: Job[] = [];
  private head = 0;
  private reserved = 0;
  private active = 0;
  private state: 'running' | 'stopping' | 'stopped' = 'running';
  private readonly delayed = new Set<Delayed<Job>>();
  private roomWaiters: (() => void)[] = [];
  private idleWaiters: (() => void)[] = [];

  constructor(
    private readonly workerCount: number,
    private readonly bufferSize: number,
    private readonly run: (job: Job) => Promise<void>,
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  /** Jobs that wait, with those that have a place reserved or wait for another attempt. */
  get queueSize(): number {
    return this.queue.length - this.head + this.reserved + this.delayed.size;
  }

  get activeWorkers(): number {
    return this.active;
  }

  /** Takes a place, which `enqueue` or `giveBack` ends. Throws `queue_full` or `worker_pool_stopped`. */
  reserve(places = 1): void {
    if (this.state !== 'running') throw new BrokerError('worker_pool_stopped');
    if (this.queueSize + places > this.bufferSize) throw new BrokerError('queue_full');
    this.reserved += places;
  }

  /** Waits for a place and takes it. False when the pool stops. */
  async reserveWhenFree(): Promise<boolean> {
    while (this.state === 'running' && this.queueSize >= this.bufferSize)
      await new Promise<void>((resolve) => this.roomWaiters.push(resolve));
    if (this.state !== 'running') return false;
    this.reserved += 1;
    return true;
  }

  giveBack(places = 1): void {
    this.reserved -= places;
    this.announce();
  }

  /** Uses a reserved place. A pool that has stopped drops the job. */
  enqueue(job: Job): void {
    this.reserved -= 1;
    this.push(job);
    this.announce();
  }

  /** Runs the job again after the pause; at once while the pool stops. A pool that has stopped drops it. */
  enqueueLater(job: Job, delayMs: number): void {
    if (this.state !== 'running') return this.push(job);
    const delayed: Delayed<Job> = { job, timer: setTimeout(() => this.ripen(delayed), delayMs) };
    this.delayed.add(delayed);
  }

  /**
   * Takes nothing more, runs what waits, and resolves when all is done or after `timeoutMs`, with the jobs that no
   * worker had begun. May be called twice.
   */
  async stop(timeoutMs: number): Promise<Job[]> {
    if (this.state === 'stopped') return [];
    this.state = 'stopping';
    this.wake('roomWaiters');
    for (const delayed of [...this.delayed]) {
      clearTimeout(delayed.timer);
      this.ripen(delayed);
    }
    await within(timeoutMs, this.idle(), () => undefined);
    this.state = 'stopped';
    const left = this.queue.slice(this.head);
    this.queue.length = 0;
    this.head = 0;
    return left;
  }

  /** Resolves when no job runs and none waits. */
  async idle(): Promise<void> {
    if (!this.isIdle()) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  private ripen(delayed: Delayed<Job>): void {
    this.delayed.delete(delayed);
    this.push(delayed.job);
  }

  private push(job: Job): void {
    if (this.state === 'stopped') return;
    this.queue.push(job);
    this.work();
  }

  private work(): void {
    while (this.state !== 'stopped' && this.active < this.workerCount && this.head < this.queue.length) {
      const job = this.queue[this.head]!;
      this.head += 1;
      // the front of the array is cut off now and then: `shift` would move the rest each time
      if (this.head > 1_024 && this.head * 2 > this.queue.length) this.head -= this.queue.splice(0, this.head).length;
      this.active += 1;
      void this.run(job)
        .catch(this.onTrouble)
        .finally(() => {
          this.active -= 1;
          this.work();
          this.announce();
        });
    }
  }

  private isIdle(): boolean {
    return this.active === 0 && this.queueSize === 0;
  }

  private announce(): void {
    if (this.roomWaiters.length > 0 && this.queueSize < this.bufferSize) this.wake('roomWaiters');
    if (this.idleWaiters.length > 0 && this.isIdle()) this.wake('idleWaiters');
  }

  private wake(which: 'roomWaiters' | 'idleWaiters'): void {
    const waiters = this[which];
    this[which] = [];
    for (const resolve of waiters) resolve();
  }
}
