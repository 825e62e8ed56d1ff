import type { Severity } from './alert-values';
import type { Channel, Delivery } from './deliveries';

/** What became of a notification. */
export const NOTIFICATION_STATUSES = [
  'scheduled', // it waits for its time
  'gathered', // it is part of a digest, and is told with it
  'started', // its deliveries are made
  'done', // and all of them are settled
  'cancelled', // it was taken back
] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

/** The clocks of a place, as the sender meant them. */
export interface LocalTime {
  /** YYYY-MM-DD. */
  date: string;
  /** HH:MM or HH:MM:SS. */
  time: string;
  /** A name of the IANA database, such as Europe/Berlin. */
  time_zone: string;
  /** Of a time that comes twice, when clocks are set back: the first one (default) or the second. */
  fold?: 'earlier' | 'later';
}

/** A number of days before a date, at a time of day. */
export interface TimeBefore extends LocalTime {
  /** 0 to 730. */
  days: number;
}

/**
 * How a notification's time was asked for, where it was not as an instant. `tz`: the version of the laws that were
 * applied.
 */
export type AskedTime = ({ local: LocalTime } | { before: TimeBefore }) & { tz: string };

/** A message to people that belongs to no alert. A service or a user asks for it, for now or for a time. */
export interface Notification {
  notification_id: string;
  tenant_id: string;
  title: string;
  message: string | null;
  severity: Severity;
  status: NotificationStatus;
  channels: Channel[];
  recipients: string[];
  /** The instant that decides when it starts. */
  due_at: string;
  asked_for: AskedTime | null;
  /** Set in a notification of a digest, and in the digest itself, which has `digest_of`. */
  digest: { key: string; every_seconds: number } | null;
  /** In a digest: how many notifications it stands for. */
  digest_of: number | null;
  /** In a notification of a digest: the digest, which is a notification too. */
  digest_id: string | null;
  created_at: string;
  /** The user or service whose token asked for it. */
  created_by: string;
  started_at: string | null;
  /** When it was done or cancelled, and who cancelled it; `store_failed`: the database refused its deliveries. */
  ended_at: string | null;
  ended_by: string | null;
}

/** A notification with what was made of it. */
export interface NotificationDetail extends Notification {
  deliveries: Delivery[];
}

export interface NotificationPage {
  notifications: Notification[];
  /** Asks for the next page; null: there is none. */
  next: string | null;
}

/** The answer to a cancellation. */
export interface CancelledNotification extends Notification {
  /** What became of its deliveries. `under_way`: an attempt has begun and cannot be taken back. */
  counts: { cancelled: number; sent: number; under_way: number; other: number };
}
