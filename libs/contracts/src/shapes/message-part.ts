/** One message within what a sender sent, under names that the parser understands. */
export interface MessagePart {
  body: Record<string, unknown>;
  /** Where it stands in what was sent, as a JSON pointer: '' for the whole. */
  at: string;
  /** Our name → pointer below `at`, for fields that the sender calls otherwise: what a refusal points at. */
  pointers: Readonly<Record<string, string>>;
  /** Why it says nothing that an alert could be made of. */
  refusal?: { pointer: string; detail: string };
}

/** What a sender of another system sent, taken apart. */
export interface MessageShape {
  name: 'cloudevent' | 'alertmanager' | 'grafana' | 'pagerduty';
  /** A webhook's sender reads no answer: its messages are judged leniently at every door. */
  webhook: boolean;
  parts: MessagePart[];
  /** What holds when neither the message nor its address says it. */
  defaults: { service?: string; severity?: 'high' };
}

export type JsonObject = Record<string, unknown>;
export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Without what is not there. */
export const present = (fields: JsonObject): JsonObject => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== ''));

/** A foreign name as a service's: `monitoring/node-exporter` is `monitoring-node-exporter`. */
export const asService = (name: unknown): string | undefined => (isText(name) ? name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^-+|(?<!-)-+$/g, '').slice(0, 64) || undefined : undefined);

/** A text of any length as one that fits; the sender's own words stay whole in the metadata. */
export const cut = (text: unknown, most: number): string | undefined => (isText(text) ? (text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`) : undefined);

/** An action whose address can be opened; others are left out. */
export const actionTo = (label: string, url: unknown): { label: string; url: string }[] =>
  isText(url) && url.length <= 2_000 && /^https?:\/\/[^\s/]/.test(url) && URL.canParse(url) ? [{ label: cut(label, 100)!, url }] : [];
