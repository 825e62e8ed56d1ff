import type { AlertAction, AlertType, MessageStatus, Severity } from '@tocsin/contracts/wire';

/** A message as its producer sends it. An undefined field is not sent. */
export interface Said {
  id: string;
  service: string;
  severity: Severity;
  status?: MessageStatus;
  dedup_key?: string;
  occurred_at?: string;
  /** The message describes the present state, not a change at a certain time. */
  snapshot?: true;
  type?: AlertType;
  name?: string;
  title?: string;
  message?: string;
  labels?: Record<string, string>;
  actions?: AlertAction[];
  metadata?: Record<string, unknown>;
}

/** The fields that describe an alert. A message without one of them leaves it as it was. */
export const DESCRIBING = ['type', 'name', 'title', 'message', 'labels', 'actions', 'metadata'] as const;
type Field = (typeof DESCRIBING)[number];

/** The description of an alert after its messages. */
export interface Description {
  type: AlertType;
  name: string | null;
  /** Undefined: no message has set a title or a name, and the documentation promises no wording. */
  title: string | undefined;
  message: string | null;
  labels: Record<string, string>;
  actions: AlertAction[];
  metadata: Record<string, unknown>;
}

/** The producer's clock of a message in milliseconds; null where it has none. */
export const clockOf = ({ occurred_at }: Said): number | null =>
  occurred_at === undefined ? null : Date.parse(occurred_at);

const RANKS: Readonly<Record<Severity, number>> = { low: 0, medium: 1, high: 2, urgent: 3 };
export const isSeverer = (one: Severity, other: Severity): boolean => RANKS[one] > RANKS[other];

/** A time before any clock. */
export const NEVER = -Infinity;

/**
 * Each field of the description is the one that was sent last, by the producers' clocks. So a late message fills in the
 * fields that no newer one has set, and every order of the same messages ends with the same description.
 */
export class Words {
  private readonly fields = new Map<Field, { value: unknown; at: number }>();

  /** `at`: when the message was sent. `asNewest`: it has no clock, and counts as received now. */
  hear(said: Said, at: number, asNewest: boolean): void {
    for (const field of DESCRIBING) {
      const value = said[field];
      if (value === undefined) continue;
      const before = this.fields.get(field);
      if (!before || asNewest || at > before.at || (at === before.at && isGreater(value, before.value))) {
        this.fields.set(field, { value, at });
      }
    }
  }

  /** Messages before the producer's first clock count as sent at that clock. */
  begin(at: number): void {
    for (const field of this.fields.values()) if (field.at === NEVER) field.at = at;
  }

  get description(): Description {
    const name = this.said<string>('name') ?? null;
    return {
      type: this.said<AlertType>('type') ?? 'alert',
      name,
      title: this.said<string>('title') ?? (name === null ? undefined : inWords(name)),
      message: this.said<string>('message') ?? null,
      labels: this.said<Record<string, string>>('labels') ?? {},
      actions: this.said<AlertAction[]>('actions') ?? [],
      metadata: this.said<Record<string, unknown>>('metadata') ?? {},
    };
  }

  private said<T>(field: Field): T | undefined {
    return this.fields.get(field)?.value as T | undefined;
  }
}

/** Of two values with the same time, the same one must win in every order. */
const isGreater = (one: unknown, other: unknown): boolean => Buffer.compare(bytesOf(one), bytesOf(other)) > 0;
const bytesOf = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

/** The title that a name gives when none is sent: `low_stock` becomes "Low stock". */
function inWords(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
