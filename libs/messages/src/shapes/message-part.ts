import { hash } from 'node:crypto';
import type { Severity } from '@tocsin/contracts';

/** One message of a body, under names that the parser understands. */
export interface MessagePart {
  body: Record<string, unknown>;
  /** The position of the message in the body, as a JSON pointer: '' for the whole. */
  at: string;
  /** Tocsin's name → pointer below `at`, for fields that the sender names differently. Refusals use these pointers. */
  pointers: Readonly<Record<string, string>>;
  /** Why no alert can be made of it. */
  refusal?: { pointer: string; detail: string };
  /** The sender says that the alert has no severity. The address decides which severity it gets. */
  severity_none?: boolean;
  /** The original, where `body` does not hold all of it. */
  raw?: unknown;
}

/** A body of another system, taken apart. */
export interface MessageShape {
  name: 'cloudevent' | 'alertmanager' | 'grafana' | 'pagerduty' | 'opsgenie';
  /** A webhook's sender corrects nothing: its messages are validated leniently at every intake. */
  webhook: boolean;
  /**
   * Its senders end an alert with its key alone. So the tenant of the address counts wherever there is one, since the
   * end of an alert could name no other; and they are told the key of an event without one.
   */
  ends_by_key?: boolean;
  /** How many messages the body holds; at least one. */
  count: number;
  /** One of the messages. It is made when it is asked for: a group may hold thousands. */
  part(index: number): MessagePart;
  /** The values that apply when neither the message nor its address has them. */
  defaults: { service?: string; severity?: Severity };
  /** Ends the earlier notice that alerts were left out: this time none was. It is not counted among the messages. */
  all_sent?: MessagePart;
  /**
   * A user of the other system has acted on the alert of this `dedup_key`. This is not a message. Without a `note`
   * nothing is kept of it.
   */
  acknowledged?: { part: MessagePart; note?: string };
}

export type JsonObject = Record<string, unknown>;
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** The fields without absent ones: a field that another system leaves empty counts as absent. */
export const present = (fields: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== undefined && value !== null && value !== '' && !isEmpty(value),
    ),
  );
const isEmpty = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;

/** A foreign name as a valid service name: `monitoring/node-exporter` becomes `monitoring-node-exporter`. */
export const asService = (name: unknown): string | undefined =>
  isText(name)
    ? name
        .slice(0, 1_000)
        .replace(/[^A-Za-z0-9._-]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 64) || undefined
    : undefined;

/** 128 bits of SHA-256: a name for a text that is too long to be one. */
export const digestOf = (text: string): string => hash('sha256', text, 'base64url').slice(0, 22);

/**
 * Another system's key of an alert: unchanged while it fits, else its digest, so that the same key means the same
 * alert.
 */
export function fittingKey(key: unknown): string | undefined {
  if (!isText(key)) return undefined;
  return key.length <= 200 && /^[^\r\n\t]*$/.test(key) ? key : digestOf(key);
}

/** The complete key where it did not fit: for the metadata. */
export const wholeKey = (key: unknown): { dedup_key?: string } =>
  isText(key) && fittingKey(key) !== key ? { dedup_key: key } : {};

/** A text of any length, cut to fit. The complete text stays in the metadata. */
export const cut = (text: unknown, most: number): string | undefined =>
  isText(text) ? (text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`) : undefined;

/** A text that was cut to `most` characters, complete and by its name: for the metadata. */
export const wholeText = (name: string, text: unknown, most: number): JsonObject =>
  isText(text) && text.length > most ? { [name]: text } : {};

/** An action whose address can be opened. Actions with other addresses are left out. */
export const actionTo = (label: string, url: unknown): { label: string; url: string }[] =>
  isText(url) && url.length <= 2_000 && /^https?:\/\/[^\s/]/.test(url) && URL.canParse(url)
    ? [{ label: cut(label, 100)!, url }]
    : [];
