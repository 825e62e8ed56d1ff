import { ALERT_TYPES } from '@tocsin/contracts';
import type { QueueKind } from '@tocsin/contracts/ports';
import { readRoutingKey } from '@tocsin/messages';

/**
 * The subjects of one installation. A service publishes to `alerts.<type>.<severity>.<service>`, or to `alerts.any`,
 * where the body alone says what the message is. What follows the first token is the routing key, and a message keeps
 * its subject in every stream:
 *
 *     alerts.*.urgent.>                         ─▶ alerts-urgent ─┐
 *     alerts.*.{high,medium,low}.>, alerts.any  ─▶ alerts-common ─┤ came back too often, too large
 *                                                                 ▼
 *                          alerts-suspects.>    ─▶ alerts-suspects ─came back too often─▶ alerts-given-up
 *                          alerts-dead.>        ─▶ alerts-dead: what the processor set aside, with the reason
 */
export const STREAMS = {
  urgent: 'alerts-urgent',
  common: 'alerts-common',
  suspects: 'alerts-suspects',
  given_up: 'alerts-given-up',
  dead: 'alerts-dead',
} as const satisfies Record<QueueKind | 'dead', string>;

export type StreamRole = keyof typeof STREAMS;

/** Whether services publish to the stream. */
export const isPublished = (role: StreamRole): boolean => role === 'urgent' || role === 'common';

/** The subjects that a stream takes, without the prefix. */
export const SUBJECTS: Readonly<Record<StreamRole, readonly string[]>> = {
  urgent: ['alerts.*.urgent.>'],
  common: ['alerts.*.high.>', 'alerts.*.medium.>', 'alerts.*.low.>', 'alerts.any'],
  suspects: ['alerts-suspects.>'],
  given_up: ['alerts-given-up.>'],
  dead: ['alerts-dead.>'],
};

/** A routing key that is a subject as it stands. */
const PLAIN = /^(alert|recommendation|notification)\.(urgent|high|medium|low)(\.[A-Za-z0-9_-]+)+$/;
/** Stands for the type where the key cannot be read from the subject: it follows as base64url. */
const ENCODED = 'encoded';
const NO_KEY = 'any';
/** The longest name of a service, in characters. */
const MAX_SERVICE = 64;

/** What follows the first token of the subject: the routing key, encoded if it is no subject. */
export function tailOf(routingKey: string | undefined): string {
  if (!routingKey) return NO_KEY;
  if (PLAIN.test(routingKey)) return routingKey;
  const lane = readRoutingKey(routingKey)?.severity === 'urgent' ? 'urgent' : 'low';
  return `${ENCODED}.${lane}.${Buffer.from(routingKey).toString('base64url')}`;
}

/**
 * The routing key of a message; undefined where its producer gave none. NATS can restrict a service to the subjects
 * with its name, but where a key cannot be read the body names the service. So each key is made readable: another type
 * counts as an alert, and characters that no service has are replaced.
 */
export function routingKeyOfTail(tail: string): string | undefined {
  if (tail === NO_KEY) return undefined;
  if (readRoutingKey(tail)) return tail;
  const [type, severity, ...rest] = tail.split('.');
  const service = rest.join('.');
  const decoded = type === ENCODED && decode(service);
  if (decoded) return decoded;
  const isType = ALERT_TYPES.some((one) => one === type);
  return `${isType ? type : 'alert'}.${severity}.${service.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, MAX_SERVICE)}`;
}

/** The text that was encoded; undefined where none was: a service may publish to `alerts.encoded.low.<service>`. */
function decode(encoded: string): string | undefined {
  const text = Buffer.from(encoded, 'base64url').toString();
  return Buffer.from(text).toString('base64url') === encoded ? text : undefined;
}

/** The subject of a published message, without the prefix. */
export const subjectOf = (routingKey: string | undefined): string => `alerts.${tailOf(routingKey)}`;

/** The tail of a subject of any of the streams. The prefix and the first token have no dot. */
export const tailOfSubject = (subject: string): string => subject.slice(subject.indexOf('.') + 1);
