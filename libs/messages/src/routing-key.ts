import { ALERT_TYPES, type AlertType, type Severity } from '@tocsin/contracts';
import { severityOf } from './understood-names';

/**
 * `<type>.<severity>.<service>`: the routing key of a published message. It also separates urgent messages from the
 * others.
 */
export const routingKeyOf = (message: { type: AlertType; severity: Severity; service: string }): string =>
  `${message.type}.${message.severity}.${message.service}`;

interface RoutingKey {
  type: AlertType;
  severity: Severity;
  service: string;
}

/** What a producer's template writes for a service that it does not know. */
const NO_SERVICE = ['undefined', 'null', 'None'];

/** Reads `<type>.<severity>.<service>`. Any other key is ignored, and the message is validated by its body alone. */
export function readRoutingKey(key: string | undefined): RoutingKey | undefined {
  if (key === undefined) return undefined;
  const typeEnd = key.indexOf('.');
  const levelEnd = key.indexOf('.', typeEnd + 1);
  if (levelEnd < 0) return undefined;
  const type = key.slice(0, typeEnd);
  const severity = severityOf(key.slice(typeEnd + 1, levelEnd));
  const service = key.slice(levelEnd + 1);
  if (!isAlertType(type) || !severity || !/^[A-Za-z0-9._-]{1,64}$/.test(service) || NO_SERVICE.includes(service))
    return undefined;
  return { type, severity, service };
}

const isAlertType = (value: unknown): value is AlertType => ALERT_TYPES.some((type) => type === value);
