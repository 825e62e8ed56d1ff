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
    const problems = new KnownProblems();
    return broker.subscribe(rule.pattern, (event) => raise(publisher, rule, event, problems), { name: rule.name });
  });
  return () => ids.forEach((id) => broker.unsubscribe(id));
}

/**
 * So many problems are known. Of one that is forgotten, the end may be published once more, which is harmless.
 */
const MAX_KNOWN = 10_000;

/** Epoch milliseconds of `created_at`; -Infinity: of none. */
interface NewestEvents {
  /** Of the events that raised the problem, whether that was confirmed or not. */
  raisedAt: number;
  /** Of the events whose end was confirmed. */
  endedAt: number;
}

/**
 * Which problems are over, as far as this rule knows. The instants decide, as they do in Tocsin: an end that is
 * confirmed late, for example by a retry, is ignored there when the alert was raised after it.
 */
class KnownProblems {
  private readonly newest = new Map<string, NewestEvents>();
  /** The newest raise of all problems that are forgotten. Any of them may be that recent. */
  private forgottenRaiseAt = -Infinity;

  isOver(key: string): boolean {
    const known = this.newest.get(key);
    // of the same instant Tocsin takes the end for the newer word
    return known !== undefined && known.endedAt >= known.raisedAt;
  }

  raised(key: string, at: number): void {
    const known = this.of(key);
    known.raisedAt = Math.max(known.raisedAt, at);
  }

  ended(key: string, at: number): void {
    const known = this.of(key);
    known.endedAt = Math.max(known.endedAt, at);
  }

  private of(key: string): NewestEvents {
    const known = this.newest.get(key);
    if (known) return known;
    if (this.newest.size >= MAX_KNOWN) this.forget();
    const begun = { raisedAt: this.forgottenRaiseAt, endedAt: -Infinity };
    this.newest.set(key, begun);
    return begun;
  }

  private forget(): void {
    for (const { raisedAt } of this.newest.values()) this.forgottenRaiseAt = Math.max(this.forgottenRaiseAt, raisedAt);
    this.newest.clear();
  }
}

async function raise(
  publisher: PublishesAlerts,
  rule: AlertRule,
  event: BrokerEvent,
  problems: KnownProblems,
): Promise<void> {
  const isRaised = rule.when(event);
  if (!isRaised && !rule.resolveWhen?.(event)) return;
  const key = rule.dedupKey(event);
  const at = event.created_at.getTime();
  if (isRaised) problems.raised(key, at);
  else if (problems.isOver(key)) return;
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
  if (!isRaised) problems.ended(key, at);
}
