import { ALERTS_EXCHANGE } from '@tocsin/publisher';

/**
 * The RabbitMQ topology. Producers know one name, `alerts.exchange`; they declare it too, and RabbitMQ refuses a second
 * declaration that differs, so it carries no argument at all. Everything that needs arguments hangs behind it:
 *
 *    alerts.exchange ─#─▶ alerts.intake ─*.urgent.#─▶ alert-processor.urgent ─┐
 *                              └─alternate─▶ alerts.rest ─▶ alert-processor ──┤ delivered too often, too large, expired
 *                                                                             ▼
 *    alert-processor.expired[.urgent] ◀─expired─ alerts.expired ◀────── alerts.suspects
 *       │ delivered too often, too large               │ alternate
 *       └─────────────▶ alerts.alone ◀─────────────────┘
 *                            ▼
 *                 alert-processor.suspects ─delivered too often─▶ alerts.delivery-limit
 *
 * Expired messages are stored like any other, urgent ones first. What is in `alerts.delivery-limit` is put on record by
 * the processor. `alerts.dead` holds what it sets aside, with the reason.
 */
const NAMES = {
  exchange: ALERTS_EXCHANGE,
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
} as const;

/** The routing keys whose messages have a lane of their own. */
export const URGENT_PATTERN = '*.urgent.#';

/** The names of everything that is declared, by role. */
export type Topology = Record<keyof typeof NAMES, string>;

/** The topology under a prefix. A test uses a prefix of its own. */
export const topologyOf = (prefix = ''): Topology =>
  Object.fromEntries(Object.entries(NAMES).map(([role, name]) => [role, prefix + name])) as Topology;
