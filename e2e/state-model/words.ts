import type { AlertAction, AlertType, MessageStatus, Severity } from '@tocsin/contracts/wire';

/** A message as its producer says it. What is undefined is not said. */
export interface Said {
  id: string;
  service: string;
  severity: Severity;
  status?: MessageStatus;
  dedup_key?: string;
  occurred_at?: string;
  /** It tells what is so now, and not what changed when. */
  snapshot?: true;
  type?: AlertType;
  name?: string;
  title?: string;
  message?: string;
  labels?: Record<string, string>;
  actions?: AlertAction[];
  metadata?: Record<string, unknown>;
}

/** The fields that describe an alert. A message that does not say one of them leaves it as it was. */
export const DESCRIBING = ['type', 'name', 'title', 'message', 'labels', 'actions', 'metadata'] as const;
type Field = (typeof DESCRIBING)[number];

/** What an alert is called and described as, once its messages are heard. */
export interface Description {
  type: AlertType;
  name: string | null;
  /** Undefined: no message has said a title or a name, and the documents promise no wording. */
  title: string | undefined;
  message: string | null;
  labels: Record<string, string>;
  actions: AlertAction[];
  metadata: Record<string, unknown>;
}

/** The producer's clock of a message in milliseconds; null where it names none. */
export const clockOf = ({ occurred_at }: Said): number | null =>
  occurred_at === undefined ? null : Date.parse(occurred_at);

const RANKS: Readonly<Record<Severity, number>> = { low: 0, medium: 1, high: 2, urgent: 3 };
export const isSeverer = (one: Severity, other: Severity): boolean => RANKS[one] > RANKS[other];

/** Before any clock. */
export const NEVER = -Infinity;

/**
 * Each field of the description is the one that was said last, by the producers' clocks. A late message so fills in
 * what no newer one has said, and every order of the same messages ends in the same description.
 */
export class Words {
  private readonly fields = new Map<Field, { value: unknown; at: number }>();

  /** `at`: when it was said. `asNewest`: it has no place in the order of the clocks, and was heard now. */
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

  /** What was heard before its producer named any time is as new as the first time that it names. */
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

/** Of two that were said at the same instant one has to win in every order. */
const isGreater = (one: unknown, other: unknown): boolean => Buffer.compare(bytesOf(one), bytesOf(other)) > 0;
const bytesOf = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

/** The title that a name gives where none is said: `low_stock` is "Low stock". */
function inWords(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
