import { ALERT_TYPES, type AlertType, type Severity } from '@tocsin/contracts';
import { severityOf } from './understood-names';

/** `<type>.<severity>.<service>`: what producers publish a message under, and what urgent ones are told apart by. */
export const routingKeyOf = (message: { type: AlertType; severity: Severity; service: string }): string =>
  `${message.type}.${message.severity}.${message.service}`;

export interface RoutingKey {
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
