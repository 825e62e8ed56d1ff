/** How urgent an alert is, the most severe first. */
export const SEVERITIES = ['urgent', 'high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The kind of a producer's message. It is the first part of a routing key. */
export const ALERT_TYPES = ['alert', 'recommendation', 'notification'] as const;
export type AlertType = (typeof ALERT_TYPES)[number];

/** The service of the entries that hold what was published to a topic. */
export const TOPIC_SERVICE = 'topic';

/** The statuses that a producer may send. People set the other two. */
export const MESSAGE_STATUSES = ['firing', 'resolved'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** The statuses that an alert can have. */
export const ALERT_STATUSES = ['firing', 'acknowledged', 'snoozed', 'resolved'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

/** What an entry of the event log says happened to its alert. */
export const CHANGES = [
  'raised', // a new alert
  'reopened', // the alert was resolved and fires again
  'severity_raised', // the alert is open and more severe than before
  'severity_lowered', // the alert is open and less severe than before
  'repeated', // the alert is open and fires again unchanged
  'resolved', // the producer says that the alert is over
  // the message is older than the producer's newest one: it is recorded, and sets only what no newer message has set
  'stale',
  // what people do, with `actor` set; `resolved` and `reopened` can be acts of people too
  'acknowledged',
  'unacknowledged',
  'snoozed',
  'unsnoozed', // without an actor: the snooze is over, and the alert rings again
  'assigned',
  'noted',
] as const;
export type Change = (typeof CHANGES)[number];

/**
 * The changes that ring when a producer makes them: they are shown as an alert instead of an update, and only they plan
 * deliveries.
 */
export const RINGING_CHANGES = ['raised', 'reopened', 'severity_raised'] as const satisfies readonly Change[];

/**
 * Whether an entry is shown as an alert instead of an update. An act of a person alerts no screen. The end of a snooze
 * does, as the alert did when it was raised.
 */
export const alertsScreens = ({ change, actor }: { change: Change; actor: string | null }): boolean =>
  actor === null && (change === 'unsnoozed' || RINGING_CHANGES.some((ringing) => ringing === change));
