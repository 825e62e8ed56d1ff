import { ALERT_TYPES, type AlertType, type Severity } from './wire';
import { severityOf } from './understood-names';

/**
 * The RabbitMQ topology. Producers know one name, `alerts.exchange`; they declare it too, and RabbitMQ refuses a second
 * declaration that differs, so it carries no argument at all. Everything that needs arguments hangs behind it:
 *
 *     alerts.exchange ─#─▶ alerts.intake ─*.urgent.#─▶ alert-processor.urgent ─┐
 *                               └─alternate─▶ alerts.rest ─▶ alert-processor ──┤ delivered too often, too large, expired
 *                                                                              ▼
 *     alert-processor.expired[.urgent] ◀─expired─ alerts.expired ◀────── alerts.suspects
 *        │ delivered too often, too large               │ alternate
 *        └─────────────▶ alerts.alone ◀─────────────────┘
 *                             ▼
 *                  alert-processor.suspects ─delivered too often─▶ alerts.delivery-limit
 *
 * Expired messages are stored like any other, urgent ones first. What is in `alerts.delivery-limit` is put on record by the processor. `alerts.dead` holds what it sets aside, with the reason.
 */
export const TOPOLOGY = {
  exchange: 'alerts.exchange',
  intake: 'alerts.intake',
  rest: 'alerts.rest',
  queue: 'alert-processor',
  urgentQueue: 'alert-processor.urgent',
  suspects: 'alerts.suspects',
  expired: 'alerts.expired',
  alone: 'alerts.alone',
  expiredQueue: 'alert-processor.expired',
  expiredUrgentQueue: 'alert-processor.expired.urgent',
  suspectsQueue: 'alert-processor.suspects',
  deliveryLimit: 'alerts.delivery-limit',
  deadQueue: 'alerts.dead',
  urgentPattern: '*.urgent.#',
} as const;

/** The Redis subject of a tenant's hints. */
export const topicOf = (tenantId: string, prefix = ''): string => `${prefix}alerts:${tenantId}`;

export const routingKeyOf = (message: { type: AlertType; severity: Severity; service: string }): string =>
  `${message.type}.${message.severity}.${message.service}`;

interface RoutingKey {
  type: AlertType;
  severity: Severity;
  service: string;
}

/** What a producer's template makes of a service that it does not know. */
const NO_SERVICE = ['undefined', 'null', 'None'];

/** Reads `<type>.<severity>.<service>`. Any other key says nothing: its message is judged by its body alone. */
export function readRoutingKey(key: string | undefined): RoutingKey | undefined {
  const [type, level, ...rest] = (key ?? '').split('.');
  const severity = severityOf(level);
  const service = rest.join('.');
  if (!isAlertType(type) || !severity || !/^[A-Za-z0-9._-]{1,64}$/.test(service) || NO_SERVICE.includes(service))
    return undefined;
  return { type, severity, service };
}

const isAlertType = (value: unknown): value is AlertType => ALERT_TYPES.some((type) => type === value);
