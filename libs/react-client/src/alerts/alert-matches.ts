import { searchWords, type Alert, type AlertFilter } from '@tocsin/contracts/wire';

/** Applies the API's filter in the browser. `me` returns the id of the user that `assignee: ['me']` means. */
export function matcherOf(filter: AlertFilter, me: () => string | undefined): (alert: Alert) => boolean {
  const {
    tenant,
    not_tenant,
    status,
    severity,
    service,
    not_service,
    type,
    name,
    assignee,
    labels = {},
    without = [],
    from,
    to,
    q = '',
  } = filter;
  const oneOf = <T>(wanted: readonly T[] | undefined, value: T) =>
    !wanted || wanted.length === 0 || wanted.includes(value);
  const [after, before] = [from, to].map((time) => (time === undefined ? undefined : Date.parse(time)));
  const pairs = Object.entries(labels);
  const words = searchWords(q.toLowerCase());
  return (alert) =>
    oneOf(tenant, alert.tenant_id) &&
    !not_tenant?.includes(alert.tenant_id) &&
    oneOf(status, alert.status) &&
    oneOf(severity, alert.severity) &&
    oneOf(service, alert.service) &&
    !not_service?.includes(alert.service) &&
    oneOf(type, alert.type) &&
    (!name || name.length === 0 || (alert.name !== null && name.includes(alert.name))) &&
    isAssigned(alert.assignee, assignee, me) &&
    without.every((field) => lacks(alert, field)) &&
    pairs.every(([key, value]) => alert.labels[key] === value) &&
    (after === undefined || Date.parse(alert.first_seen_at) >= after) &&
    (before === undefined || Date.parse(alert.first_seen_at) < before) &&
    (words.length === 0 || holds(alert, words));
}

/** Whether the alert has no name, or no label `label.<key>`. */
const lacks = ({ name, labels }: Alert, field: string): boolean =>
  field === 'name' ? name === null : !Object.hasOwn(labels, field.slice('label.'.length));

function isAssigned(
  assignee: string | null,
  wanted: readonly string[] | undefined,
  me: () => string | undefined,
): boolean {
  if (!wanted || wanted.length === 0) return true;
  return wanted.some((one) =>
    one === 'none' ? assignee === null : assignee !== null && assignee === (one === 'me' ? me() : one),
  );
}

function holds({ title, message, name }: Alert, words: readonly string[]): boolean {
  const text = `${title}\n${message ?? ''}\n${name ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
