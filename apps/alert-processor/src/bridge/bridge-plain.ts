import { setTimeout as sleep } from 'node:timers/promises';
import { Refused, type DeadLetter, type ValidMessage } from '@tocsin/contracts';
import type { AlertIntake, EventLog, PlainMessage, PlainMessages } from '@tocsin/contracts/ports';
import { Turns } from '@tocsin/messages';
import type { Log, Metrics } from '@tocsin/observability';
import { fullJitter, within } from '@tocsin/timing';
import { readPlain } from './read-plain';

/** How much may wait while the queue is away. Further messages are dropped, which is counted and logged. */
const MOST_WAITING = { messages: 10_000, bytes: 32 * 1024 * 1024 };
/** How many plain messages are read and published together. */
const BATCH = 200;
/**
 * How many alerts one call gives to the queue, as an HTTP request may. A plain message may hold hundreds, and a queue
 * refuses more at once than it has room for at all.
 */
const ALERTS_A_CALL = 500;
const AGAIN = { firstMs: 100, capMs: 2_000 };
/** How long a process that stops waits for the queue to take what it has heard. */
const FLUSH_MS = 5_000;

interface BridgeOptions {
  /** The service of messages that name none. Default: such a message becomes a dead letter. */
  service?: string;
  /** For tests. */
  most?: typeof MOST_WAITING;
}

/**
 * Publishes to the queue what other programs publish plainly. From the queue on a message has the guarantees of any
 * other; until the queue has confirmed it, it exists in this process alone. An invalid one becomes a dead letter. An
 * outage of the queue or of the log is waited for, in bounded memory.
 */
export class BridgePlain {
  private readonly most: typeof MOST_WAITING;
  private waiting: PlainMessage[] = [];
  private bytes = 0;
  /** How many were dropped since the last one that found room. */
  private dropped = 0;
  private working: Promise<void> | undefined;
  private readonly giveUp = new AbortController();
  private failing = false;

  constructor(
    private readonly source: PlainMessages,
    private readonly intake: AlertIntake,
    private readonly eventLog: Pick<EventLog, 'bury'>,
    private readonly metrics: Metrics,
    private readonly log: Log,
    private readonly options: BridgeOptions = {},
  ) {
    this.most = options.most ?? MOST_WAITING;
  }

  start(): void {
    this.source.listen((message) => this.take(message));
  }

  /** Hands over to another process, and publishes what it still has, for at most 5 s. */
  async stop(): Promise<void> {
    await this.source.stop();
    if (!this.working) return;
    await within(FLUSH_MS, this.working, () => {
      this.giveUp.abort();
      this.giveUpOn(this.waiting.splice(0));
    });
    await this.working;
  }

  private take(message: PlainMessage): void {
    const { messages, bytes } = this.most;
    if (this.waiting.length >= messages || this.bytes + message.body.length > bytes) return this.drop(message);
    if (this.dropped > 0) this.log.warn({ messages: this.dropped }, 'plain messages were dropped: too many waited');
    this.dropped = 0;
    this.waiting.push(message);
    this.bytes += message.body.length;
    this.working ??= this.work().finally(() => (this.working = undefined));
  }

  private drop({ topic }: PlainMessage): void {
    if (this.dropped++ === 0) this.log.warn({ topic }, 'plain messages are dropped: too many wait');
    this.metrics.plainMessages.inc({ result: 'dropped' });
  }

  /** Works until nothing waits. Never rejects. */
  private async work(): Promise<void> {
    const turns = new Turns();
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, BATCH);
      const messages: ValidMessage[] = [];
      const letters: DeadLetter[] = [];
      for (const plain of batch) {
        if (turns.over) await turns.next();
        this.bytes -= plain.body.length;
        const read = readPlain(plain, this.options.service);
        if (!read) this.metrics.plainMessages.inc({ result: 'own_entry' });
        messages.push(...(read?.messages ?? []));
        letters.push(...(read?.letters ?? []));
        if (read?.replaced) this.metrics.replacedCharacters.inc(read.replaced);
      }
      await this.publishAll(messages);
      await this.settle(letters, 'refused', (some) => this.bury(some));
    }
  }

  private async publishAll(messages: readonly ValidMessage[]): Promise<void> {
    for (let from = 0; from < messages.length; from += ALERTS_A_CALL) {
      if (from > 0 && this.giveUp.signal.aborted) return this.giveUpOn(messages.slice(from));
      const some = messages.slice(from, from + ALERTS_A_CALL);
      await this.settle(some, 'published', (left) => this.publish(left));
    }
  }

  /** Repeats `work` with what it gives back, until that is nothing or the process ends. */
  private async settle<T>(
    all: readonly T[],
    result: 'published' | 'refused',
    work: (some: readonly T[]) => Promise<readonly T[]>,
  ): Promise<void> {
    let left = all;
    for (let attempt = 0; left.length > 0; attempt += 1) {
      const before = left.length;
      let cause: unknown;
      left = await work(left).catch((error: unknown) => ((cause = error), left));
      this.metrics.plainMessages.inc({ result }, before - left.length);
      if (left.length === 0) break;
      if (!this.failing) this.log.warn({ err: cause }, 'plain messages wait: the queue or the log does not take them');
      this.failing = true;
      if (this.giveUp.signal.aborted) return this.giveUpOn(left);
      await sleep(fullJitter(attempt, AGAIN), undefined, { signal: this.giveUp.signal }).catch(() => undefined);
    }
    if (all.length > 0 && this.failing) this.log.info('plain messages are settled again');
    if (all.length > 0) this.failing = false;
  }

  private giveUpOn(left: readonly unknown[]): void {
    if (left.length === 0) return;
    this.metrics.plainMessages.inc({ result: 'dropped' }, left.length);
    this.log.warn({ messages: left.length }, 'plain messages were dropped: the process ends');
  }

  /** Those that the queue has not confirmed. They have ids, so that a second publication is a duplicate. */
  private async publish(messages: readonly ValidMessage[]): Promise<readonly ValidMessage[]> {
    const outcomes = await this.intake.publish(messages);
    return messages.filter((_message, index) => outcomes[index]?.outcome !== 'confirmed');
  }

  /** A letter that the log refuses is given up: it would be refused for ever. */
  private async bury(letters: readonly DeadLetter[]): Promise<readonly DeadLetter[]> {
    try {
      await this.eventLog.bury(letters);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (letters.length > 1) {
        for (const letter of letters) await this.bury([letter]);
      } else
        this.log.error({ tenant_id: letters[0]!.tenant_id, err: error }, 'a dead letter could not be put on record');
    }
    return [];
  }
}
