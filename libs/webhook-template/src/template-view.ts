import type { NotificationContent } from '@tocsin/contracts';
import { entryOf, type Entry, type Severity } from '@tocsin/contracts/wire';

/** What a template may name. The notifier makes it for each delivery. */
export interface TemplateView {
  /** `alert.raised`, `alert.reopened`, `alert.severity_raised`, `alert.unsnoozed` or `notification`. */
  type: string;
  /** ISO 8601 with milliseconds, UTC. */
  timestamp: string;
  /** The same in every attempt, like the header `webhook-id`. */
  delivery_id: string;
  tenant_id: string;
  severity: Severity;
  /** One line of at most 200 characters: `[URGENT] Flour is running low · inventory`. */
  subject: string;
  /** Lines that end in LF; may be empty. */
  message: string;
  /** The address of the alert on the page; empty for a notification, and where the page's address is not known. */
  page_url: string;
  /** The entry of the alert, or the notification. A field that it does not have is written as nothing. */
  data: Entry | NotificationContent;
}

/** Texts that break a template which writes them outside quotes, or without escaping them. */
const TEXT = 'The "left" oven,\nat 50 % \\ of its heat';
const TIME = '2026-01-02T03:04:06.000Z';
const ID = '5f0c9a52-0000-7000-8000-000000000001';

const entry = (full: boolean): Entry =>
  entryOf(
    {
      tenant_id: 'bakery',
      event_id: 'inventory-17',
      service: 'inventory',
      occurred_at: full ? TIME : null,
      dedup_key: full ? 'flour' : null,
      actor: full ? 'ana' : null,
      note: full ? TEXT : null,
      trace_id: full ? '4bf92f3577b34da6a3ce929d0e0e4736' : null,
    },
    {
      seq: 17,
      alert_id: ID,
      change: full ? 'severity_raised' : 'raised',
      status: 'firing',
      severity: 'urgent',
      occurrences: full ? 3 : 1,
      folded: 0,
      received_at: TIME,
      first_seen_at: TIME,
      last_seen_at: TIME,
      assignee: full ? 'ana' : null,
      snoozed_until: null,
    },
    {
      type: 'alert',
      title: TEXT,
      labels: full ? { room: TEXT } : {},
      actions: full ? [{ label: TEXT, url: 'https://example.com/runbook' }] : [],
      metadata: full ? { detail: TEXT } : {},
      ...(full && { name: TEXT, message: TEXT }),
    },
    full ? { status: 'firing', severity: 'low' } : null,
  );

const viewOf = (type: string, full: boolean, data: Entry | NotificationContent): TemplateView => ({
  type,
  timestamp: TIME,
  delivery_id: ID,
  tenant_id: 'bakery',
  severity: data.severity,
  subject: `[URGENT] The "left" oven`,
  message: full ? TEXT : '',
  page_url: full ? `https://tocsin.example.com/?alert=${ID}` : '',
  data,
});
const notification: NotificationContent = {
  notification_id: ID,
  title: TEXT,
  message: TEXT,
  severity: 'high',
  digest_of: 4,
};

/** The deliveries with which a template is tried when it is saved, by what they are called in a fault. */
export const SAMPLES: readonly (readonly [name: string, view: TemplateView])[] = [
  ['an alert with every field', viewOf('alert.severity_raised', true, entry(true))],
  ['an alert with few fields', viewOf('alert.raised', false, entry(false))],
  ['a notification', viewOf('notification', true, notification)],
];

/** The names that a template may use, and below `data`. */
export const NAMES: readonly string[] = Object.keys(SAMPLES[0]![1]);
export const NAMES_OF_DATA: readonly string[] = [...new Set(SAMPLES.flatMap(([, { data }]) => Object.keys(data)))];
