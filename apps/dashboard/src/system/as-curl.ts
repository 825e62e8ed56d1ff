import type { RefusedMessageWithBody } from '@tocsin/contracts/wire';

/** A text as one word of a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const SEVERITIES: readonly string[] = ['urgent', 'high', 'medium', 'low'];
const SERVICE = /^[A-Za-z0-9._-]{1,64}$/;

/** What a routing key such as `alert.high.inventory` says of its message. */
export function keyParts(routingKey: string | null): { severity: string | null; service: string | null } {
  const [, severity = '', ...service] = (routingKey ?? '').split('.');
  const isKey = SEVERITIES.includes(severity);
  return {
    severity: isKey ? severity : null,
    service: isKey && SERVICE.test(service.join('.')) ? service.join('.') : null,
  };
}

/**
 * A command that publishes a refused message over HTTP, to be corrected before it runs. It has `$TOKEN` in place of a
 * token. The parts of the routing key go into the address, where they count for what the body does not say. Null for a
 * body that is no text, or is not whole.
 */
export function asCurl(origin: string, letter: RefusedMessageWithBody): string | null {
  if (letter.body_encoding !== 'utf8' || letter.truncated || letter.body.includes('\0')) return null;
  const { severity, service } = keyParts(letter.routing_key);
  const presets = Object.entries({ tenant: letter.tenant_id, service, severity }).filter(([, value]) => value !== null);
  const query = new URLSearchParams(presets as [string, string][]).toString();
  return `curl ${quoted(`${origin}/api/v1/events${query && `?${query}`}`)} \\
  -H "Authorization: Bearer $TOKEN" \\
  -H 'Content-Type: application/json' \\
  --data-raw ${quoted(letter.body)}`;
}
