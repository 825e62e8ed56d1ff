import { ALERT_TYPES, type MessageStatus, type Severity } from '@tocsin/contracts';
import { readInstant } from './instant';
import { isMessageField, noFields, type MessageFields } from './message-fields';

// The field names and values of other systems. This is the only table: add a line to support another name.

/** Field names that are renamed before validation. The canonical name takes precedence where a message has both. */
export const UNDERSTOOD_FIELDS: Readonly<Record<string, string>> = {
  item_type: 'type',
  kind: 'type',
  alert_type: 'name',
  event_type: 'name',
  alertname: 'name',
  class: 'name',
  event_id: 'id',
  source: 'service',
  source_service: 'service',
  summary: 'title',
  subject: 'title',
  description: 'message',
  body: 'message',
  text: 'message',
  timestamp: 'occurred_at',
  time: 'occurred_at',
  created_at: 'occurred_at',
  startsAt: 'occurred_at',
  fingerprint: 'dedup_key',
  incident_key: 'dedup_key',
  event_action: 'status',
  state: 'status',
  priority: 'severity',
  level: 'severity',
  links: 'actions',
  data: 'metadata',
  details: 'metadata',
  custom_details: 'metadata',
  payload: 'metadata',
};

/** Names of producers that are renamed. `type` is one too: of a message whose `type` is none of ours it is the name. */
export const PRODUCER_NAMES: readonly string[] = [...Object.keys(UNDERSTOOD_FIELDS), 'type'];

const UNDERSTOOD_SEVERITIES: Readonly<Record<string, Severity>> = {
  urgent: 'urgent',
  critical: 'urgent',
  fatal: 'urgent',
  emergency: 'urgent',
  p1: 'urgent',
  high: 'high',
  error: 'high',
  major: 'high',
  p2: 'high',
  medium: 'medium',
  warning: 'medium',
  warn: 'medium',
  moderate: 'medium',
  p3: 'medium',
  low: 'low',
  info: 'low',
  informational: 'low',
  notice: 'low',
  debug: 'low',
  p4: 'low',
  p5: 'low',
};

const UNDERSTOOD_STATUSES: Readonly<Record<string, MessageStatus>> = {
  firing: 'firing',
  trigger: 'firing',
  triggered: 'firing',
  alerting: 'firing',
  active: 'firing',
  open: 'firing',
  problem: 'firing',
  resolved: 'resolved',
  resolve: 'resolved',
  ok: 'resolved',
  normal: 'resolved',
  closed: 'resolved',
  recovered: 'resolved',
  inactive: 'resolved',
};

/** The severity that a word means, in any case of letters; undefined for an unknown word. */
export const severityOf = (word: unknown): Severity | undefined => lookUp(UNDERSTOOD_SEVERITIES, word);

/** The status that a word means, in any case of letters; undefined for an unknown word. */
export const statusOf = (word: unknown): MessageStatus | undefined => lookUp(UNDERSTOOD_STATUSES, word);

function lookUp<T>(table: Readonly<Record<string, T>>, word: unknown): T | undefined {
  if (typeof word !== 'string') return undefined;
  if (Object.hasOwn(table, word)) return table[word];
  const key = word.trim().toLowerCase();
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** A message's fields under Tocsin's names. */
interface Understood {
  fields: MessageFields;
  /** Fields with unknown names. */
  unknown: ReadonlyMap<string, unknown>;
  /**
   * Tocsin's name → the producer's, where they differ. Errors point at the producer's name, and renamed fields are
   * counted.
   */
  origins: ReadonlyMap<string, string>;
  /** Fields whose name is understood but whose canonical name is also present, which takes precedence. */
  leftovers: ReadonlyMap<string, unknown>;
}

/**
 * Renames fields and reads words by the tables above. Null means absent. An unknown word stays as it is and is left to
 * validation. When `item_type` is present, or `type` is none of its three values, `type` is the name.
 */
export function understand(body: Readonly<Record<string, unknown>>): Understood {
  const understood = isCanonical(body) ? sorted(body) : rename(body);
  const { fields } = understood;
  if (typeof fields.type === 'string') fields.type = fields.type.trim().toLowerCase();
  fields.severity = severityOf(fields.severity) ?? fields.severity;
  fields.status = statusOf(fields.status) ?? fields.status;
  fields.occurred_at = readInstant(fields.occurred_at) ?? fields.occurred_at;
  if (Array.isArray(fields.actions))
    fields.actions = fields.actions.map((action: unknown) => (typeof action === 'string' ? { label: action } : action));
  return understood;
}

/** Whether there is nothing to rename and nothing to remove, as in most messages. */
function isCanonical(body: Readonly<Record<string, unknown>>): boolean {
  for (const key of Object.keys(body)) {
    const value = body[key];
    if (value === null || value === undefined || Object.hasOwn(UNDERSTOOD_FIELDS, key)) return false;
    if (key === 'type' && !isOneOf(ALERT_TYPES, value)) return false;
  }
  return true;
}

const NOTHING = new Map<string, never>();

function sorted(
  given: Readonly<Record<string, unknown>>,
  origins: Understood['origins'] = NOTHING,
  leftovers: Understood['leftovers'] = NOTHING,
): Understood {
  const fields = noFields();
  let unknown: Map<string, unknown> | undefined;
  for (const key of Object.keys(given)) {
    if (isMessageField(key)) fields[key] = given[key];
    else (unknown ??= new Map()).set(key, given[key]);
  }
  return { fields, unknown: unknown ?? NOTHING, origins, leftovers };
}

function rename(body: Readonly<Record<string, unknown>>): Understood {
  const origins = new Map<string, string>();
  const fields = new Map<string, unknown>();
  const leftovers = new Map<string, unknown>();
  const given = Object.entries(body).filter(([, value]) => value !== null && value !== undefined);

  for (const [key, value] of given) if (!Object.hasOwn(UNDERSTOOD_FIELDS, key)) fields.set(key, value);
  const typeIsName =
    given.some(([key]) => UNDERSTOOD_FIELDS[key] === 'type') || !isOneOf(ALERT_TYPES, fields.get('type'));
  if (fields.has('type') && typeIsName) {
    const value = fields.get('type');
    fields.delete('type');
    if (fields.has('name')) leftovers.set('type', value);
    else {
      fields.set('name', value);
      origins.set('name', 'type');
    }
  }
  for (const [key, value] of given) {
    const canonical = Object.hasOwn(UNDERSTOOD_FIELDS, key) ? UNDERSTOOD_FIELDS[key]! : key;
    if (canonical === key) continue;
    if (fields.has(canonical)) leftovers.set(key, value);
    else {
      fields.set(canonical, value);
      origins.set(canonical, key);
    }
  }
  return sorted(Object.fromEntries(fields), origins, leftovers);
}

const isOneOf = (list: readonly string[], value: unknown): boolean =>
  typeof value === 'string' && list.includes(value.trim().toLowerCase());
