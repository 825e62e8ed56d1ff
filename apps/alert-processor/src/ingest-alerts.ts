import {
  eventNameOf,
  hintOf,
  Refused,
  Unavailable,
  type DeadLetter,
  type HopTimes,
  type MessageErrorCode,
  type PlannedEvent,
} from '@tocsin/contracts';
import { PRODUCER_NAMES, Turns } from '@tocsin/messages';
import type { AnnounceEntries, Doorbell, EventLog, PublishedHint } from '@tocsin/contracts/ports';
import { NoTrace, type Log, type Metrics, type Trace } from '@tocsin/observability';
import type { BatchMessage, BatchOutcome, Late, MessageOutcome } from './handle-batch';
import { MessageSpans } from './message-spans';
import { PacedBell } from './paced-bell';
import { planDeliveries } from './plan-deliveries';
import { readMessages, refusedLetterOf, type Plan, type ReadMessage, type PlannedMessage } from './read-message';
import { StoreLanes } from './store-lanes';
import type { SoonerOrLater, StoreResult } from './store-result';

/** The outcome of a message, and its dead letter when the outcome is `dead`. */
interface Fate {
  outcome: MessageOutcome;
  letter?: DeadLetter;
}

interface IngestOptions {
  /**
   * How many statements run at the same time; tenants are spread over them. Urgent messages have one more. Default 1.
   */
  lanes?: number;
  /** Who is told of a message, and over which channels. Default: what the message and the tenant say. */
  plan?: Plan;
  /** Default: nothing is traced. */
  trace?: Trace;
}

/**
 * Stores batches of messages in the event log and tells the gateways: parse, plan, store, announce, ring, bury. Invalid
 * messages are put on record as dead letters. When a dependency is away, the batch is handed back to be tried again;
 * what was stored by then is a duplicate the next time. Hints go out after the commit and before the outcome, so a
 * crash in between can only make them come twice.
 */
export class IngestAlerts {
  private readonly lanes: StoreLanes;
  /**
   * Resolves when the batch before has been read, so that batches go into the event log in the order in which they
   * came.
   */
  private read: Promise<void> = Promise.resolve();
  private readonly plan: Plan;
  private readonly bell: PacedBell;
  private readonly spans: MessageSpans;

  constructor(
    private readonly eventLog: EventLog,
    private readonly announceEntries: AnnounceEntries,
    doorbell: Doorbell,
    private readonly metrics: Metrics,
    private readonly log: Log,
    { lanes = 1, plan = planDeliveries, trace = new NoTrace() }: IngestOptions = {},
  ) {
    this.plan = plan;
    this.bell = new PacedBell(doorbell);
    this.spans = new MessageSpans(trace);
    metrics.understoodNames.declare(PRODUCER_NAMES.map((name) => ({ name })));
    this.lanes = new StoreLanes(eventLog, lanes);
  }

  async ingest(batch: readonly BatchMessage[]): Promise<BatchOutcome> {
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
      // an error of our own says nothing about the messages: a queue that stands still is better than a queue that is
      // emptied
      if (!(error instanceof Unavailable)) this.log.error({ err: error }, 'a batch could not be handled');
      return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  private async take(batch: readonly BatchMessage[]): Promise<(MessageOutcome | Late<MessageOutcome>)[]> {
    const receivedAt = performance.now();
    const takenAt = this.spans.now();
    const read = await this.readInTurn(batch);
    this.spans.begin(batch, read, takenAt);
    const planned = read.flat().flatMap((message) => (message.ok ? [message.planned] : []));
    const bytes = batch.reduce((sum, { body }) => sum + body.length, 0);

    const readAt = this.spans.now();
    const results = new Array<SoonerOrLater>(planned.length);
    const parts = this.lanes.store(planned, bytes, batch[0]?.suspect).map(async (part) => {
      const stored = await part.results.catch((error: unknown) => {
        this.spans.fail(part.events);
        throw error;
      });
      part.places.forEach((place, index) => (results[place] = stored[index]!));
      this.spans.part('store', part.events, stored, readAt);
      // each part is announced as soon as it is stored: a part that is stuck does not delay the others
      await this.announce(part.events, stored);
    });
    for (const part of await Promise.allSettled(parts)) if (part.status === 'rejected') throw part.reason;
    this.observe('ingest', planned.length, receivedAt);
    const urgent = planned.filter(({ message }) => message.severity === 'urgent');
    this.observe('urgent', urgent.length, receivedAt);

    let next = 0;
    const fates = read.map((messages, index) =>
      messages.map((message): Fate | Promise<Fate> => {
        if (!message.ok) return dead(message.letter);
        const result = results[next++]!;
        return result.outcome === 'late'
          ? heardLater(this.fateOfLate(result, message, batch[index]!))
          : fateOf(result, message, batch[index]!);
      }),
    );
    await this.bury(fates.flat().flatMap((fate) => (fate instanceof Promise ? [] : (fate.letter ?? []))));

    this.countNames(read.flat());
    return fates.map((ofOne) =>
      areKnown(ofOne) ? outcomeOf(ofOne) : { outcome: 'late', result: heardLater(this.follow(ofOne)) },
    );
  }

  /**
   * Reads a batch in slices. Two thousand messages of 64 KiB take a second, and health checks and other lanes must not
   * wait that long.
   */
  private async readInTurn(batch: readonly BatchMessage[]): Promise<ReadMessage[][]> {
    const before = this.read;
    let done = (): void => undefined;
    this.read = new Promise((resolve) => (done = resolve));
    await before;
    try {
      const turns = new Turns();
      const held: ReadMessage[][] = [];
      for (const received of batch) {
        if (turns.over) await turns.next();
        held.push(readMessages(received, this.plan, (characters) => this.metrics.replacedCharacters.inc(characters)));
      }
      return held;
    } finally {
      done();
    }
  }

  /** Waits for the late result of one event, announces it, and gives its fate. */
  private async fateOfLate(
    { result }: Late<StoreResult>,
    message: PlannedMessage,
    received: BatchMessage,
  ): Promise<Fate> {
    const since = this.spans.now();
    const stored = await result.catch((error: unknown) => {
      this.spans.fail([message.planned]);
      throw error;
    });
    this.spans.part('store', [message.planned], [stored], since);
    await this.announce([message.planned], [stored]);
    return fateOf(stored, message, received);
  }

  /** Waits for the late fates of one delivery, buries its late dead letters, and gives its outcome. */
  private async follow(fates: readonly (Fate | Promise<Fate>)[]): Promise<MessageOutcome> {
    const known = await Promise.all(fates);
    await this.bury(known.flatMap(({ letter }, index) => (fates[index] instanceof Promise ? (letter ?? []) : [])));
    const outcome = outcomeOf(known);
    this.count([outcome]);
    return outcome;
  }

  /**
   * Sends hints of what was stored now, and of duplicates: a process may have stored them and crashed before their
   * hints.
   */
  private async announce(planned: readonly PlannedEvent[], results: readonly SoonerOrLater[]): Promise<void> {
    const storedAt = performance.now();
    const since = this.spans.now();
    const hints = results.flatMap((result, index) => {
      const event = planned[index]!;
      return hintFor(event, result, this.spans.hopsOf(event)) ?? [];
    });
    const announced = await this.announceEntries.announceHints(hints);
    this.observe('publish', announced, storedAt);
    this.spans.part('announce', planned, results, since);
    this.spans.end(planned, results);
    // after the hints, and not waited for: the notifiers look by themselves too
    if (results.some((result, index) => plansDeliveries(planned[index]!, result))) this.bell.ring();
  }

  /**
   * Puts dead letters on record before their messages leave the queue. When the event log refuses the record too, only
   * the dead queue has the message.
   */
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

  private countNames(read: readonly ReadMessage[]): void {
    for (const message of read) {
      if (!message.ok) continue;
      for (const name of message.understood) this.metrics.understoodNames.inc({ name });
      if (message.unknown.length > 0) this.metrics.unknownFields.inc(message.unknown.length);
    }
  }

  private count(outcomes: readonly (MessageOutcome | Late<MessageOutcome>)[]): void {
    const counts = new Map<MessageOutcome['outcome'] | 'delivery_limit', number>();
    for (const one of outcomes) {
      if (one.outcome === 'late') continue; // it is counted when its outcome is known
      const result = one.outcome === 'dead' && one.reason === 'delivery_limit' ? 'delivery_limit' : one.outcome;
      counts.set(result, (counts.get(result) ?? 0) + 1);
    }
    for (const [result, count] of counts) this.metrics.ingestMessages.inc({ result }, count);
  }

  private observe(stage: 'ingest' | 'urgent' | 'publish', events: number, since: number): void {
    const histogram = this.metrics.eventDelivery.labels(stage);
    const seconds = (performance.now() - since) / 1000;
    for (let event = 0; event < events; event += 1) histogram.observe(seconds);
  }
}

// ---- pure ----------------------------------------------------------------------------------------------------------

function hintFor(
  { message }: PlannedEvent,
  result: SoonerOrLater,
  hops: HopTimes | undefined,
): PublishedHint | undefined {
  const { tenant_id, type, service, severity } = message;
  if (result.outcome === 'stored') return { tenant_id, ...hintOf(result.event), hops };
  // a duplicate of a folded message has no position: no hint of it ever went out
  if (result.outcome !== 'duplicate' || result.position === null) return undefined;
  // a crash may have come before the hint of this entry; the position is enough to make a gateway read the event log
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

/** Whether deliveries of this message may be due now. The log has stored them if the entry rings. */
const plansDeliveries = ({ deliveries }: PlannedEvent, result: SoonerOrLater): boolean =>
  deliveries.length > 0 && result.outcome === 'stored' && eventNameOf(result.event.entry) !== 'alert_update';

function fateOf(result: StoreResult, message: PlannedMessage, received: BatchMessage): Fate {
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
 * The outcome of a delivery of several messages. It is `dead` when one of them is dead, so that the whole delivery goes
 * to the dead queue. The others are stored, and the dead letter holds only the dead message. An empty delivery counts
 * as stored.
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

/** A rejection that comes before the caller waits must not end the process. The caller still gets it. */
function heardLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

const dead = (letter: DeadLetter): Fate => ({
  outcome: { outcome: 'dead', reason: letter.reason, detail: letter.detail },
  letter,
});
