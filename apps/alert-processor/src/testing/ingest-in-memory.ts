import { sampledContext, Unavailable, type DeadLetter, type PlannedEvent, type StoredEvent } from '@tocsin/contracts';
import {
  AnnounceEntries,
  EventBus,
  EventLog,
  type AppendResult,
  type PublishedHint,
  type Subscription,
} from '@tocsin/contracts/ports';
import { aTenant, anEntry } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import type { BatchMessage } from '../handle-batch';
import { IngestAlerts } from '../ingest-alerts';

const silent = createLogger({ app: 'test', level: 'silent' });
const ORIGIN = { epoch: 'e1', seq: 0, fp: '0' };

/** An event log that keeps what it is given, and refuses what a test names. */
export class LogInMemory extends EventLog {
  readonly batches: (readonly PlannedEvent[])[] = [];
  readonly stored: PlannedEvent[] = [];
  readonly letters: DeadLetter[] = [];
  /** While it is set, new statements wait for it. */
  gate: Promise<void> | undefined;
  trouble: (planned: readonly PlannedEvent[]) => Error | undefined = () => undefined;
  buryTrouble: (letters: readonly DeadLetter[]) => Error | undefined = () => undefined;

  async append(planned: readonly PlannedEvent[]): Promise<AppendResult[]> {
    this.batches.push(planned);
    await this.gate;
    const error = this.trouble(planned);
    if (error) throw error;
    return planned.map((event): AppendResult => {
      const { tenant_id, service, id } = event.message;
      const log = this.stored.filter(({ message }) => message.tenant_id === tenant_id);
      const at = log.findIndex(({ message }) => message.service === service && message.id === id);
      if (at >= 0 && log[at]!.body_hash !== event.body_hash) return { outcome: 'conflict' };
      if (at >= 0)
        return { outcome: 'duplicate', tenant_id, position: { epoch: 'e1', seq: at + 1, fp: `fp-${at + 1}` } };
      this.stored.push(event);
      return { outcome: 'stored', event: storedAs(event, log.length + 1) };
    });
  }
  async bury(letters: readonly DeadLetter[]): Promise<void> {
    const error = this.buryTrouble(letters);
    if (error) throw error;
    this.letters.push(...letters);
  }
  appendFolded = async () => [];
  check = async () => {
    const error = this.trouble([]);
    if (error) throw error;
  };
  after = async () => [];
  heads = async () => [];
  newest = async () => ({ events: [], from: ORIGIN, upTo: ORIGIN, searched: null });
  startOf = async () => ORIGIN;
}

/** The entry that `LogInMemory` makes of an event. */
export const storedAs = ({ message, trace_id, span_id }: PlannedEvent, seq: number): StoredEvent => ({
  epoch: 'e1',
  seq,
  fp: `fp-${seq}`,
  prev_fp: `fp-${seq - 1}`,
  entry: anEntry({
    tenant_id: message.tenant_id,
    seq,
    alert_id: `alert-of-${message.id}`,
    event_id: message.id,
    severity: message.severity,
    service: message.service,
    type: message.type,
    title: message.title,
    trace_id,
  }),
  trace: sampledContext(trace_id, span_id),
});

/** A bus that keeps what is published, and is away when a test says so. */
export class BusInMemory extends EventBus {
  readonly hints: PublishedHint[] = [];
  away = false;
  readonly connected = true;

  async publish(hints: readonly PublishedHint[]): Promise<void> {
    if (this.away) throw new Unavailable('bus', 'the test says so');
    this.hints.push(...hints);
  }
  subscribe = async (): Promise<Subscription> => ({ close: () => undefined });
}

/** `IngestAlerts` between an event log and a bus in memory. */
export class IngestInMemory {
  readonly log = new LogInMemory();
  readonly bus = new BusInMemory();
  readonly metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 10 });
  /** How often the notifiers were rung for. */
  rings = 0;

  /** With so many lanes; default that of the class. */
  inLanes(lanes?: number): IngestAlerts {
    return this.with({ lanes });
  }

  with(options: ConstructorParameters<typeof IngestAlerts>[5]): IngestAlerts {
    const doorbell = { ring: async () => void (this.rings += 1), onRing: async () => ({ close: () => undefined }) };
    const announceEntries = new AnnounceEntries(this.bus, this.metrics, silent);
    return new IngestAlerts(this.log, announceEntries, doorbell, this.metrics, silent, options);
  }

  /** The value of a counter with these labels; 0 when it has none. */
  async counted(name: string, labels: Record<string, string> = {}): Promise<number> {
    const { values } = (await this.metrics.registry.getSingleMetric(name)!.get()) as {
      values: { value: number; labels: Record<string, string> }[];
    };
    return (
      values.find((value) => Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted))
        ?.value ?? 0
    );
  }
}

/** The tenant of messages that name no other. */
export const bakery = aTenant('bakery');

/** A message as it comes from the broker: of urgent severity, unless its body says otherwise. */
export const aMessage = (body: object | string, more: Partial<BatchMessage> = {}): BatchMessage => ({
  body: Buffer.from(
    typeof body === 'string'
      ? body
      : JSON.stringify({ tenant_id: bakery, service: 'inventory', severity: 'urgent', ...body }),
  ),
  routing_key: 'alert.urgent.inventory',
  redelivered: false,
  ...more,
});

/** What becomes of a batch whose messages are decided. */
export const settled = (...outcomes: unknown[]) => ({ kind: 'settled', outcomes });
