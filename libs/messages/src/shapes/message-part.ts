import { hash } from 'node:crypto';
import type { Severity } from '@tocsin/contracts';

/** One message within what a sender sent, under names that the parser understands. */
export interface MessagePart {
  body: Record<string, unknown>;
  /** Where it stands in what was sent, as a JSON pointer: '' for the whole. */
  at: string;
  /** Our name → pointer below `at`, for fields that the sender calls otherwise: what a refusal points at. */
  pointers: Readonly<Record<string, string>>;
  /** Why it says nothing that an alert could be made of. */
  refusal?: { pointer: string; detail: string };
  /** Its sender calls it an alert of no severity: what that means its address says. */
  severity_none?: boolean;
  /** What it was, where `body` does not say it. */
  raw?: unknown;
}

/** What a sender of another system sent, taken apart. */
export interface MessageShape {
  name: 'cloudevent' | 'alertmanager' | 'grafana' | 'pagerduty' | 'opsgenie';
  /** A webhook's sender corrects nothing: its messages are judged leniently at every door. */
  webhook: boolean;
  /** How many messages it holds; at least one. */
  count: number;
  /** One of them, made when it is asked for: a group may hold thousands. */
  part(index: number): MessagePart;
  /** What holds when neither the message nor its address says it. */
  defaults: { service?: string; severity?: Severity };
  /** Ends the notice that alerts were left out, if there is one: this time none was. Not counted among the messages. */
  all_sent?: MessagePart;
  /** Another system's user has acknowledged the alert of this `dedup_key`. It is no message. */
  acknowledged?: { part: MessagePart; note: string };
}

export type JsonObject = Record<string, unknown>;
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Without what is not there: what another system leaves empty, it does not say. */
export const present = (fields: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== undefined && value !== null && value !== '' && !isEmpty(value),
    ),
  );
const isEmpty = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;

/** A foreign name as a service's: `monitoring/node-exporter` is `monitoring-node-exporter`. */
export const asService = (name: unknown): string | undefined =>
  isText(name)
    ? name
        .slice(0, 1_000)
        .replace(/[^A-Za-z0-9._-]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 64) || undefined
    : undefined;

/** 128 bits of SHA-256: a name for what is too long to be one. */
export const digestOf = (text: string): string => hash('sha256', text, 'base64url').slice(0, 22);

/** Another system's key of an alert: as it is while it fits, else its digest, so that the same key is the same alert. */
export function fittingKey(key: unknown): string | undefined {
  if (!isText(key)) return undefined;
  return key.length <= 200 && /^[^\r\n\t]*$/.test(key) ? key : digestOf(key);
}

/** The key itself where it did not fit: for the metadata. */
export const wholeKey = (key: unknown): { dedup_key?: string } =>
  isText(key) && fittingKey(key) !== key ? { dedup_key: key } : {};

/** A text of any length as one that fits; the sender's own words stay whole in the metadata. */
export const cut = (text: unknown, most: number): string | undefined =>
  isText(text) ? (text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`) : undefined;

/** An action whose address can be opened; others are left out. */
export const actionTo = (label: string, url: unknown): { label: string; url: string }[] =>
  isText(url) && url.length <= 2_000 && /^https?:\/\/[^\s/]/.test(url) && URL.canParse(url)
    ? [{ label: cut(label, 100)!, url }]
    : [];
