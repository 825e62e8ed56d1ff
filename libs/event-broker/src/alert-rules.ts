import type { AlertMessageBody } from '@tocsin/contracts/wire';
import type { BrokerEvent } from './event';
import type { EventBroker } from './event-broker';

/** When an event raises an alert, and when one ends it. */
export interface AlertRule<Payload = unknown> {
  /** The name of the alert, for example `low_stock`. */
  name: string;
  /** The events that the rule looks at. */
  pattern: string;
  /** Whether the event raises the alert, or repeats it. */
  when: (event: BrokerEvent<Payload>) => boolean;
  /** Whether the event ends it. It is asked only when `when` said no. Default: never. */
  resolveWhen?: (event: BrokerEvent<Payload>) => boolean;
  /** What the alerts of one problem share: the resolving message ends the alert of the same key. */
  dedupKey: (event: BrokerEvent<Payload>) => string;
  /** The words of the alert. */
  alert: (
    event: BrokerEvent<Payload>,
  ) => Omit<AlertMessageBody, 'id' | 'name' | 'status' | 'dedup_key' | 'occurred_at'>;
}

/** `AlertPublisher` of `@tocsin/publisher`. */
export interface PublishesAlerts {
  publish(
    alerts: readonly AlertMessageBody[],
    options?: { retryForMs?: number },
  ): Promise<readonly { outcome: 'confirmed' | 'failed'; reason?: string }[]>;
}

/**
 * Publishes the alerts of the rules. A message has the instant of its event, so that Tocsin tells the newest word also
 * when events are handled out of order, and an id made of the event's and the rule's: repeated by a retry, a replay or
 * another instance, it is the same message and is stored once. What is not confirmed has failed, and the broker tries
 * it again. An end is published once, until the alert is raised again. Returns a function that ends the rules.
 */
export function raiseAlerts(
  broker: EventBroker,
  publisher: PublishesAlerts,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each rule knows the payload of its own events
  rules: readonly AlertRule<any>[],
): () => void {
  const ids = rules.map((rule) => {
    const ends = new KnownEnds();
    return broker.subscribe(rule.pattern, (event) => raise(publisher, rule, event, ends), { name: rule.name });
  });
  return () => ids.forEach((id) => broker.unsubscribe(id));
}

/**
 * So many problems are known to be over. Of one that is forgotten, the end is published once more, which is harmless.
 */
const MAX_ENDED = 10_000;

/** Which problems are over, as far as this rule knows. Events of one problem may be handled at the same time. */
class KnownEnds {
  private readonly ended = new Set<string>();
  /** The last end of each problem whose confirmation is awaited. */
  private readonly ending = new Map<string, symbol>();

  has(key: string): boolean {
    return this.ended.has(key);
  }

  raised(key: string): void {
    this.ended.delete(key);
    this.ending.delete(key);
  }

  /** Runs `publish`. The problem is over if that succeeds and nothing else was published of it meanwhile. */
  async end(key: string, publish: () => Promise<void>): Promise<void> {
    const mark = Symbol();
    this.ending.set(key, mark);
    try {
      await publish();
      if (this.ending.get(key) !== mark) return;
      if (this.ended.size >= MAX_ENDED) this.ended.clear();
      this.ended.add(key);
    } finally {
      if (this.ending.get(key) === mark) this.ending.delete(key);
    }
  }
}

async function raise(publisher: PublishesAlerts, rule: AlertRule, event: BrokerEvent, ends: KnownEnds): Promise<void> {
  const isRaised = rule.when(event);
  if (!isRaised && !rule.resolveWhen?.(event)) return;
  const key = rule.dedupKey(event);
  const publish = async () => {
    const [outcome] = await publisher.publish([
      {
        ...rule.alert(event),
        id: `${event.id}:${rule.name}`,
        name: rule.name,
        dedup_key: key,
        status: isRaised ? 'firing' : 'resolved',
        occurred_at: event.created_at.toISOString(),
      },
    ]);
    if (outcome?.outcome !== 'confirmed') throw new Error(`The alert was not confirmed: ${outcome?.reason}.`);
  };
  if (!isRaised) {
    if (!ends.has(key)) await ends.end(key, publish);
    return;
  }
  ends.raised(key);
  await publish();
}
