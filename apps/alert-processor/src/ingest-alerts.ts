import {
  eventNameOf,
  hintOf,
  Refused,
  Unavailable,
  type DeadLetter,
  type MessageErrorCode,
  type PlannedEvent,
} from '@tocsin/contracts';
import { Turns } from '@tocsin/messages';
import type {
  BatchOutcome,
  EventBus,
  EventLog,
  LateOutcome,
  MessageOutcome,
  PublishedHint,
  ReceivedMessage,
} from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { readMessages, refusedLetterOf, type ReadMessage } from './read-message';
import { StoreLanes } from './store-lanes';
import type { StoreResult } from './store-result';

/** The outcome of a message, and its letter when it is dead. */
interface Fate {
  outcome: MessageOutcome;
  letter?: DeadLetter;
}

/**
 * Takes batches of messages to the log and tells the gateways: parse, plan, persist, publish. What is invalid is put on
 * record; what the world refuses for now is handed back to be tried again, and then found to be stored already. Hints go
 * out after the commit and before the outcome, so that a crash in between only makes them come twice.
 */
export class IngestAlerts {
  private readonly lanes: StoreLanes;
  /** The batch before is read: so that no batch goes into the log before one that came earlier. */
  private read: Promise<void> = Promise.resolve();

  constructor(
    private readonly eventLog: EventLog,
    private readonly eventBus: EventBus,
    private readonly metrics: Metrics,
    private readonly log: Log,
    /** Statements that run side by side, tenants spread over them. What is urgent has one more. */
    lanes = 1,
  ) {
    this.lanes = new StoreLanes(eventLog, (planned, results) => this.publish(planned, results), lanes);
  }

  async ingest(batch: readonly ReceivedMessage[]): Promise<BatchOutcome> {
    const stopTimer = this.metrics.ingestDuration.startTimer();
    try {
      if (batch.length === 0) await this.eventLog.check();
      const outcomes = await this.take(batch);
      if (batch.length === 0) return { kind: 'settled', outcomes };
      stopTimer();
      this.metrics.ingestBatchSize.observe(batch.length);
      this.count(outcomes);
      return { kind: 'settled', outcomes };
    } catch (error) {
      // an error of our own says nothing about the messages either: better a queue that stands still than one that is emptied
      if (!(error instanceof Unavailable)) this.log.error({ err: error }, 'a batch could not be handled');
      return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  private async take(batch: readonly ReceivedMessage[]): Promise<(MessageOutcome | LateOutcome)[]> {
    const receivedAt = performance.now();
    const held = await this.readInTurn(batch);
    const read = held.flat();
    const planned = read.flatMap((message) => (message.ok ? [message.planned] : []));
    const bytes = batch.reduce((sum, { body }) => sum + body.length, 0);
    const results = await this.lanes.store(planned, bytes, batch[0]?.suspect);
    this.observe('ingest', planned.length, receivedAt);

    let next = 0;
    const fates = held.map((messages, index) =>
      messages.map((message): Fate | Promise<Fate> => {
        if (!message.ok) return dead(message.letter);
        const result = results[next++]!;
        if (result.outcome !== 'late') return fateOf(result, message, batch[index]!);
        return heardLater(result.result.then((known) => fateOf(known, message, batch[index]!)));
      }),
    );
    await this.bury(fates.flat().flatMap((fate) => (fate instanceof Promise ? [] : (fate.letter ?? []))));

    for (const message of read) {
      if (!message.ok) continue;
      for (const name of message.understood) this.metrics.understoodNames.inc({ name });
      if (message.unknown.length > 0) this.metrics.unknownFields.inc(message.unknown.length);
    }
    return fates.map((ofOne) =>
      areKnown(ofOne) ? outcomeOf(ofOne) : { outcome: 'late', fate: heardLater(this.follow(ofOne)) },
    );
  }

  /** Reads a batch in slices: two thousand messages of 64 KiB take a second, and the health checks and the other lanes must not. */
  private async readInTurn(batch: readonly ReceivedMessage[]): Promise<ReadMessage[][]> {
    const before = this.read;
    let done = (): void => undefined;
    this.read = new Promise((resolve) => (done = resolve));
    await before;
    try {
      const turns = new Turns();
      const held: ReadMessage[][] = [];
      for (const received of batch) {
        if (turns.over) await turns.next();
        held.push(readMessages(received, (characters) => this.metrics.replacedCharacters.inc(characters)));
      }
      return held;
    } finally {
      done();
    }
  }

  /** The outcome of a delivery that the others did not wait for. */
  private async follow(fates: readonly (Fate | Promise<Fate>)[]): Promise<MessageOutcome> {
    const known = await Promise.all(fates);
    await this.bury(known.flatMap(({ letter }, index) => (fates[index] instanceof Promise ? (letter ?? []) : [])));
    const outcome = outcomeOf(known);
    this.count([outcome]);
    return outcome;
  }

  /** Tells the gateways. A bus that is away costs latency and nothing else: it is counted, and the gateways read the log. */
  private async publish(planned: readonly PlannedEvent[], results: readonly StoreResult[]): Promise<void> {
    const storedAt = performance.now();
    const hints: PublishedHint[] = [];
    const published = new Map<string, number>();
    results.forEach((result, index) => {
      const hint = hintFor(planned[index]!, result);
      if (!hint) return;
      hints.push(hint);
      if (hint.data !== null) published.set(hint.tenant_id, (published.get(hint.tenant_id) ?? 0) + 1);
    });
    if (hints.length === 0) return;
    try {
      await this.eventBus.publish(hints);
    } catch {
      this.metrics.publishFailures.inc();
      return;
    }
    let whole = 0;
    for (const [tenant, events] of published) {
      this.metrics.countPublished(tenant, events);
      whole += events;
    }
    this.observe('publish', whole, storedAt);
  }

  /** Puts dead letters on record before they leave the queue. What the log would not even have as one is in the dead queue. */
  private async bury(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    try {
      await this.eventLog.bury(letters);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (letters.length > 1) for (const letter of letters) await this.bury([letter]);
      else
        this.log.error(
          { tenant_id: letters[0]!.tenant_id, reason: letters[0]!.reason, err: error },
          'a dead letter could not be put on record',
        );
    }
  }

  private count(outcomes: readonly (MessageOutcome | LateOutcome)[]): void {
    const counts = new Map<string, number>();
    for (const one of outcomes) {
      if (one.outcome === 'late') continue; // counted when it has its fate
      const result = one.outcome === 'dead' && one.reason === 'delivery_limit' ? 'delivery_limit' : one.outcome;
      counts.set(result, (counts.get(result) ?? 0) + 1);
    }
    for (const [result, count] of counts) this.metrics.ingestMessages.inc({ result }, count);
  }

  private observe(stage: 'ingest' | 'publish', events: number, since: number): void {
    const histogram = this.metrics.eventDelivery.labels(stage);
    const seconds = (performance.now() - since) / 1000;
    for (let event = 0; event < events; event += 1) histogram.observe(seconds);
  }
}

// ---- pure ------------------------------------------------------------------------------------------------------------

function hintFor({ message }: PlannedEvent, result: StoreResult): PublishedHint | undefined {
  const { tenant_id, type, service, severity } = message;
  if (result.outcome === 'stored') return { tenant_id, ...hintOf(result.event) };
  // a duplicate of a folded message has no position: no hint of it ever went out
  if (result.outcome !== 'duplicate' || result.position === null) return undefined;
  // it may be the one whose hint a crash swallowed: the position is enough for a gateway to look
  const event = eventNameOf({ change: 'raised', service, type, actor: null });
  return {
    tenant_id,
    ...result.position,
    prev_fp: null,
    event,
    filter: { severity, previous_severity: null, type, service },
    data: null,
  };
}

function fateOf(result: StoreResult, message: Extract<ReadMessage, { ok: true }>, received: ReceivedMessage): Fate {
  const letter = (reason: MessageErrorCode, detail: string) => dead(refusedLetterOf(received, message, reason, detail));
  switch (result.outcome) {
    case 'stored':
    case 'folded':
    case 'duplicate':
      return { outcome: { outcome: result.outcome } };
    case 'conflict':
      return letter('id_conflict', 'Another message is stored under the same tenant, service and id.');
    case 'refused':
      return letter('store_failed', result.detail);
  }
}

/**
 * What became of a delivery that holds several messages: dead when one of them is, so that all of it lies in the dead queue.
 * The others are stored; the letter holds the dead one alone. Of an empty batch all is stored.
 */
function outcomeOf(fates: readonly Fate[]): MessageOutcome {
  const outcomes = fates.map(({ outcome }) => outcome);
  return (
    outcomes.find(({ outcome }) => outcome === 'dead') ??
    outcomes.find(({ outcome }) => outcome === 'stored') ??
    outcomes[0] ?? { outcome: 'stored' }
  );
}

const areKnown = (fates: readonly (Fate | Promise<Fate>)[]): fates is readonly Fate[] =>
  fates.every((fate) => !(fate instanceof Promise));

/** Whoever waits for it hears that it failed; until somebody does, that is no reason to end the process. */
function heardLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

const dead = (letter: DeadLetter): Fate => ({
  outcome: { outcome: 'dead', reason: letter.reason, detail: letter.detail },
  letter,
});
