import { actionTo, cut, fittingKey, isObject, isText, present, type MessageShape } from './message-part';

const ACTIONS: readonly unknown[] = ['trigger', 'acknowledge', 'resolve'];

/**
 * PagerDuty Events API v2. The service is the address's or `pagerduty`, never drawn from the payload: `resolve` has none,
 * and must find the alert that `trigger` opened. Where it happened (`source`, `component`, `group`, `class`) are labels.
 * `routing_key` is a credential of another system and is not kept.
 */
export function readPagerDutyEvent(value: unknown): MessageShape | undefined {
  if (!isObject(value) || !ACTIONS.includes(value.event_action)) return undefined;
  const payload = isObject(value.payload) ? value.payload : {};
  if (!isText(value.routing_key) && !isText(payload.summary)) return undefined;
  const details = isObject(payload.custom_details) ? payload.custom_details : present({ custom_details: payload.custom_details });
  const { tenant_id = value.tenant_id, ...metadata } = details;
  const refusal = value.event_action === 'acknowledge' ? { pointer: '/event_action', detail: 'Acknowledging is done by the people of the tenant, not by the service that raised the alert.' } : undefined;
  const links = Array.isArray(value.links) ? value.links.filter(isObject) : [];
  const body = present({
    tenant_id,
    service: value.service,
    severity: payload.severity,
    dedup_key: fittingKey(value.dedup_key) ?? value.dedup_key,
    status: value.event_action === 'resolve' ? 'resolved' : 'firing',
    occurred_at: payload.timestamp,
    name: cut(payload.class, 100),
    title: cut(payload.summary, 300) ?? (value.event_action === 'resolve' ? 'Resolved' : undefined),
    message: isText(payload.summary) && payload.summary.length > 300 ? cut(payload.summary, 8_000) : undefined,
    labels: Object.fromEntries(['source', 'component', 'group', 'class'].flatMap((name) => cut(payload[name], 500) ? [[name, cut(payload[name], 500)]] : [])),
    actions: [...links.flatMap(({ text, href }) => actionTo(isText(text) ? text : 'Link', href)), ...actionTo(isText(value.client) ? value.client : 'Open', value.client_url)].slice(0, 10),
    metadata: present({ ...metadata, images: value.images, ...(isText(value.dedup_key) && fittingKey(value.dedup_key) !== value.dedup_key && { dedup_key: value.dedup_key }) }),
  });
  const pointers = {
    tenant_id: '/payload/custom_details/tenant_id', severity: '/payload/severity', status: '/event_action', occurred_at: '/payload/timestamp',
    name: '/payload/class', title: '/payload/summary', message: '/payload/summary', labels: '/payload', actions: '/links', metadata: '/payload/custom_details',
  };
  return { name: 'pagerduty', webhook: true, parts: [{ body, at: '', pointers, refusal }], defaults: { service: 'pagerduty', severity: 'high' } };
}
