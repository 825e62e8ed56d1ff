import {
  actionTo,
  cut,
  fittingKey,
  isObject,
  isText,
  present,
  wholeKey,
  wholeText,
  type MessagePart,
  type MessageShape,
} from './message-part';

const ACTIONS: readonly unknown[] = ['trigger', 'acknowledge', 'resolve'];

/**
 * PagerDuty Events API v2. An event with a `dedup_key` describes the present state (`snapshot`): its time is often not
 * the alert's, and `resolve` has no time at all. The service is the one of the address, or `pagerduty`. It is never
 * derived from the payload: `resolve` has none, and must find the alert that `trigger` opened. `source`, `component`,
 * `group` and `class` become labels. `routing_key` is a credential of another system and is not kept.
 */
export function readPagerDutyEvent(value: unknown): MessageShape | undefined {
  if (!isObject(value) || !ACTIONS.includes(value.event_action)) return undefined;
  const payload = isObject(value.payload) ? value.payload : {};
  const details = isObject(payload.custom_details)
    ? payload.custom_details
    : present({ custom_details: payload.custom_details });
  const { tenant_id = value.tenant_id } = details;
  const isAcknowledged = value.event_action === 'acknowledge';
  const refusal = isAcknowledged
    ? { pointer: '/event_action', detail: 'An acknowledgement is no alert. Over HTTP it is taken as a note.' }
    : undefined;
  const links = Array.isArray(value.links) ? value.links.filter(isObject) : [];
  const body = present({
    tenant_id,
    service: value.service,
    severity: payload.severity,
    dedup_key: fittingKey(value.dedup_key) ?? value.dedup_key,
    // without a key there is no alert whose present state it could describe
    snapshot: isText(value.dedup_key) ? true : undefined,
    status: value.event_action === 'resolve' ? 'resolved' : 'firing',
    occurred_at: payload.timestamp,
    name: cut(payload.class, 100),
    title: cut(payload.summary, 300),
    message: isText(payload.summary) && payload.summary.length > 300 ? cut(payload.summary, 8_000) : undefined,
    labels: Object.fromEntries(
      ['source', 'component', 'group', 'class'].flatMap((name) =>
        cut(payload[name], 500) ? [[name, cut(payload[name], 500)]] : [],
      ),
    ),
    actions: [
      ...links.flatMap(({ text, href }) => actionTo(isText(text) ? text : 'Link', href)),
      ...actionTo(isText(value.client) ? value.client : 'Open', value.client_url),
    ].slice(0, 10),
    metadata: present({
      ...details,
      ...wholeText('summary', payload.summary, 8_000),
      images: value.images,
      ...wholeKey(value.dedup_key),
    }),
  });
  const pointers = {
    tenant_id: '/payload/custom_details/tenant_id',
    severity: '/payload/severity',
    status: '/event_action',
    occurred_at: '/payload/timestamp',
    name: '/payload/class',
    title: '/payload/summary',
    message: '/payload/summary',
    labels: '/payload',
    actions: '/links',
    metadata: '/payload/custom_details',
  };
  const isNamed = value.event_action === 'trigger' || isText(value.dedup_key);
  const unnamed = isNamed ? undefined : { pointer: '/dedup_key', detail: 'It names the alert that this is about.' };
  const part: MessagePart = { body, at: '', pointers, refusal: unnamed ?? refusal };
  const shape = {
    name: 'pagerduty',
    webhook: true,
    ends_by_key: true,
    count: 1,
    part: () => part,
    defaults: { service: 'pagerduty', severity: 'high' },
  } as const;
  if (!isAcknowledged) return shape;
  const note = `Acknowledged in ${cut(value.client, 100) ?? 'the system that sent the alert'}.`;
  return { ...shape, acknowledged: { part: { ...part, refusal: unnamed }, note } };
}

/** The same where a message of any kind may come: one of ours may have an `event_action` too. */
export function recognisePagerDutyEvent(value: unknown): MessageShape | undefined {
  const { routing_key, payload } = isObject(value) ? value : {};
  const isMarked = isText(routing_key) || (isObject(payload) && isText(payload.summary));
  return isMarked ? readPagerDutyEvent(value) : undefined;
}
