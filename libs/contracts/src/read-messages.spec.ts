import fc from 'fast-check';
import { parseAlertMessage, type AlertMessage, type Envelope, type ParsedMessage } from './alert-message';
import { routingKeyOf } from './names';
import { parseMessages } from './read-messages';

const parse = (body: unknown, envelope: Envelope = { tenant_id: 'bakery' }, judgement: 'strict' | 'lenient' = 'lenient') => parseMessages(Buffer.from(JSON.stringify(body)), envelope, judgement).messages;
const alert = (more: object = {}) => ({
  status: 'firing', labels: { alertname: 'Cold', severity: 'warning', job: 'ovens' }, annotations: { summary: 'It is cold', description: 'It is at 41 °C' },
  startsAt: '2026-01-02T03:04:05.678Z', endsAt: '0001-01-01T00:00:00Z', generatorURL: 'http://prometheus/graph', fingerprint: 'f00d', ...more,
});
const group = (...alerts: unknown[]) => ({ version: '4', groupKey: '{}', receiver: 'r', status: 'firing', externalURL: 'http://am', alerts });
const event = (more: object = {}) => ({ specversion: '1.0', id: 'e-1', source: '/services/orders', type: 'order.late', tenantid: 'bakery', severity: 'low', ...more });
const page = (more: object = {}) => ({ routing_key: 'canary-key', event_action: 'trigger', payload: { summary: 's', source: 'host', severity: 'error' }, ...more });

function only(parsed: readonly ParsedMessage[]): Extract<ParsedMessage, { ok: true }> {
  expect(parsed).toHaveLength(1);
  const first = parsed[0]!;
  if (!first.ok) throw new Error(`refused: ${JSON.stringify(first)}`);
  return first;
}
/** As the processor reads from the queue what came by HTTP. */
const throughTheQueue = (message: AlertMessage) => only(parseMessages(Buffer.from(JSON.stringify(message)), { routing_key: routingKeyOf(message) }).messages);

describe('a repeat of Alertmanager', () => {
  const first = only(parse(group(alert())));
  const repeat = only(parse(group(alert({ annotations: { summary: 'It is cold', description: 'It is at 39 °C' } }))));

  it('is a duplicate although it measures another value, by AMQP as by HTTP', () => {
    expect(repeat.message.message).not.toBe(first.message.message);
    for (const other of [repeat, throughTheQueue(repeat.message), throughTheQueue(first.message)]) expect([other.message.id, other.body_hash]).toEqual([first.message.id, first.body_hash]);
  });

  it('is none when it is resolved, or when it fires anew', () => {
    const others = [alert({ status: 'resolved', endsAt: '2026-01-02T04:00:00Z' }), alert({ startsAt: '2026-01-03T00:00:00Z' }), alert({ fingerprint: 'beef' })].map((one) => only(parse(group(one))));
    expect(new Set([first, ...others].map(({ body_hash }) => body_hash)).size).toBe(4);
    expect(others[0]!.message).toMatchObject({ dedup_key: 'f00d', status: 'resolved', occurred_at: '2026-01-02T04:00:00.000Z' });
  });

  it('has an id whose other bodies are no conflict for a producer of ours either, and no other id has', () => {
    const ours = { tenant_id: 't', service: 's', severity: 'low', dedup_key: 'k', occurred_at: 1_759_399_200 };
    const hashOf = (body: object) => only(parse(body)).body_hash;
    expect(hashOf({ ...ours, id: 'k/firing/1', title: 'a' })).toBe(hashOf({ ...ours, id: 'k/firing/1', title: 'b' }));
    expect(hashOf({ ...ours, id: 'k/resolved/1', title: 'a' })).not.toBe(hashOf({ ...ours, id: 'k/resolved/1', title: 'b' }));
  });
});

describe('a group of alerts', () => {
  it('is judged one by one, and a refusal says where', () => {
    const parsed = parse(group(alert({ labels: { tenant_id: 'a,b' } }), alert(), 'text', alert({ fingerprint: undefined })), { tenant_id: 'bakery', message_id: 'm' });
    expect(parsed.map(({ ok }) => ok)).toEqual([false, true, false, true]);
    expect(parsed[0]).toMatchObject({ code: 'invalid_field', errors: [{ pointer: '/alerts/0/labels/tenant_id' }] });
    expect(parsed[2]).toMatchObject({ code: 'invalid_field', errors: [{ pointer: '/alerts/2' }] });
    expect(parsed[3]).toMatchObject({ message: { severity: 'medium', service: 'ovens' } });
    expect((parsed[3] as { message: AlertMessage }).message.id).not.toBe('m');
  });

  it('takes tenant and service from its labels, then from its address, then from its sender', () => {
    const of = (labels: object, envelope: Envelope) => only(parse(group(alert({ labels })), envelope)).message;
    expect(of({ tenant_id: 'a', service: 's', job: 'j', severity: 'info' }, { tenant_id: 'b', service: 'x', severity: 'urgent' })).toMatchObject({ tenant_id: 'a', service: 's', severity: 'low' });
    expect(of({ job: 'monitoring/node exporter' }, { tenant_id: 'b', severity: 'low' })).toMatchObject({ tenant_id: 'b', service: 'monitoring-node-exporter', severity: 'low' });
    expect(of({ severity: 'page' }, { tenant_id: 'b' })).toMatchObject({ service: 'alertmanager', severity: 'high', labels: { severity: 'page' } });
    expect(parse(group(alert()), {})).toMatchObject([{ ok: false, code: 'missing_tenant' }]);
  });

  it('loses nothing that is too much for an alert', () => {
    const labels = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`l${i}`, 'x'.repeat(i === 0 ? 600 : 5)]));
    const { message } = only(parse(group(alert({ labels, annotations: { summary: 'long '.repeat(100) } }))));
    expect(message.title).toHaveLength(300);
    expect(message.metadata).toMatchObject({ annotations: { summary: 'long '.repeat(100) } });
    expect({ ...message.labels, ...(message.metadata.labels as object) }).toEqual(labels);
  });
});

describe('a CloudEvent', () => {
  it.each<[string, object, object]>([
    ['a message of ours', { data: { tenant_id: 'dairy', service: 'sales', severity: 'urgent', name: 'late', id: 'order-1' } }, { id: '/services/orders#e-1', tenant_id: 'dairy', service: 'sales', severity: 'urgent', name: 'late', metadata: { id: 'order-1' } }],
    ['words of another domain', { data: { state: 'shipped', level: 3, source: 'web' } }, { service: 'orders', status: 'firing', metadata: { state: 'shipped', level: 3, source: 'web' } }],
    ['text', { data: 'It is late' }, { message: 'It is late' }],
    ['a list', { data: [1, 2] }, { metadata: { data: [1, 2] } }],
    ['nothing', { source: 'https://example.com/' }, { service: 'example.com' }],
    ['an alert that is over', { dedupkey: 'k', status: 'resolved', time: '2026-01-02T03:04:05Z' }, { dedup_key: 'k', status: 'resolved' }],
  ])('that holds %s is an alert, over HTTP too', (_, more, expected) => {
    expect(only(parse(event(more), {}, 'strict')).message).toMatchObject(expected);
  });

  it.each([['ce-', {}], ['cloudEvents:', {}], ['cloudEvents_', { tenant_id: 'dairy' }]])('may have its attributes in headers: %s', (prefix, body) => {
    const headers = Object.fromEntries(Object.entries(event({ subject: 'caf%C3%A9' })).map(([name, value]) => [`${prefix}${name}`, value]));
    // over AMQP nothing is percent-encoded
    const subject = prefix === 'ce-' ? 'café' : 'caf%C3%A9';
    expect(only(parse(body, { headers })).message).toMatchObject({ id: '/services/orders#e-1', service: 'orders', name: 'order.late', metadata: { cloudevent: { subject } }, tenant_id: 'tenant_id' in body ? 'dairy' : 'bakery' });
  });

  it.each([[{ severity: 'odd' }, '/severity'], [{ data: { severity: 'odd' } }, '/data/severity'], [{ service: 'a b' }, '/service'], [{ tenantid: 'a b' }, '/tenantid'], [{ time: 'now' }, '/time']])('with %j is refused at %s', (more, pointer) => {
    expect(parse(event(more), {}, 'strict')).toMatchObject([{ ok: false, errors: [{ pointer }] }]);
  });
});

describe('an event of PagerDuty', () => {
  it('that acknowledges is refused, since people do that', () => {
    expect(parse(page({ event_action: 'acknowledge', dedup_key: 'k' }))).toMatchObject([{ ok: false, code: 'invalid_field', errors: [{ pointer: '/event_action' }] }]);
  });

  it('has the same service whether it triggers or resolves', () => {
    const [trigger, resolve] = [page({ dedup_key: 'k' }), { routing_key: 'canary-key', event_action: 'resolve', dedup_key: 'k' }].map((body) => only(parse(body)).message);
    expect([trigger!.service, resolve!.service, resolve!.status, resolve!.dedup_key]).toEqual(['pagerduty', 'pagerduty', 'resolved', 'k']);
  });

  it('does not give away its key', () => {
    expect(JSON.stringify(parse(page()))).not.toContain('canary-key');
    expect(JSON.stringify(parse(page({ payload: { severity: 'odd', custom_details: { tenant_id: 'a,b' } } })))).not.toContain('canary-key');
  });
});

it('what only looks like another shape is a message of ours', () => {
  const ours = { tenant_id: 'bakery', service: 's', severity: 'low', id: 'a' };
  for (const more of [{ alerts: [] }, { alerts: [alert()] }, { specversion: '1.0' }, { specversion: '0.3', source: 's', type: 'x' }, { event_action: 'trigger' }, { event_action: 'odd', routing_key: 'k' }]) {
    const bytes = Buffer.from(JSON.stringify({ ...ours, ...more }));
    expect(parseMessages(bytes)).toEqual({ messages: [parseAlertMessage(bytes)], webhook: false });
  }
});

it('never throws, whatever is within a shape', () => {
  const odd = fc.oneof(fc.anything(), fc.string(), fc.constant(null));
  const within = (body: (value: unknown, other: unknown) => object) =>
    fc.assert(fc.property(odd, odd, (value, other) => {
      let text: string | undefined;
      try {
        text = JSON.stringify(body(value, other));
      } catch {
        return; // what JSON cannot say
      }
      const { messages } = parseMessages(Buffer.from(text), { headers: { 'ce-id': value } });
      expect(messages.length).toBeGreaterThan(0);
    }));
  for (const name of ['labels', 'annotations', 'startsAt', 'endsAt', 'fingerprint', 'status', 'generatorURL', 'values']) within((value, other) => group(alert({ [name]: value }), other));
  for (const name of ['data', 'time', 'tenantid', 'subject', 'severity', 'dedupkey']) within((value, other) => event({ [name]: value, extension: other }));
  for (const name of ['payload', 'links', 'images', 'client', 'client_url', 'dedup_key']) within((value, other) => page({ [name]: value, tenant_id: other }));
  within((value, other) => page({ payload: { summary: value, custom_details: other, class: value } }));
});
