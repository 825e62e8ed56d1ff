import { AsyncLocalStorage } from 'node:async_hooks';
import { BrokerError } from './broker-error';

/**
 * Runs pieces of work one after the other, in the order of the calls. At most `maxWaiting` of them may wait or be under
 * way.
 */
export class SyncTurns {
  private readonly inTurn = new AsyncLocalStorage<true>();
  private last: Promise<unknown> = Promise.resolve();
  private unfinished = 0;
  private isEnded = false;

  constructor(private readonly maxWaiting: number) {}

  /** How many pieces of work wait or are under way. */
  get waiting(): number {
    return this.unfinished;
  }

  /**
   * Runs the work when all that was given before has ended. Work that a handler gives during its own turn runs at once:
   * if it waited for its turn, both would wait for ever. Rejects with `queue_full`, and with `worker_pool_stopped` when
   * its turn has not begun at the end.
   */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.inTurn.getStore()) return work();
    if (this.unfinished >= this.maxWaiting) throw new BrokerError('queue_full');
    this.unfinished += 1;
    const begin = () => {
      if (this.isEnded) throw new BrokerError('worker_pool_stopped');
      return this.inTurn.run(true, work);
    };
    const turn = this.last.then(begin).finally(() => (this.unfinished -= 1));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** No turn begins any more. */
  end(): void {
    this.isEnded = true;
  }

  /** Resolves when all that was given until now has ended. Never rejects. */
  ended(): Promise<unknown> {
    return this.last;
  }
}
