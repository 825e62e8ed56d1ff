import fc from 'fast-check';
import type { AlertMessage } from './alert-message';
import { parseAlertMessage } from './parse-alert-message';
import type { Envelope, ParsedMessage } from './parsed-message';
import { routingKeyOf } from './routing-key';
import { MessageGroup, parseMessages } from './read-messages';
import { readOpsgenieAlert, readOpsgenieUpdate } from './shapes/opsgenie-alert';

const parse = (
  body: unknown,
  envelope: Envelope = { tenant_id: 'bakery' },
  judgement: 'strict' | 'lenient' = 'lenient',
) => parseMessages(Buffer.from(JSON.stringify(body)), envelope, judgement).messages;
const alert = (more: object = {}) => ({
  status: 'firing',
  labels: { alertname: 'Cold', severity: 'warning', job: 'ovens' },
  annotations: { summary: 'It is cold', description: 'It is at 41 °C' },
  startsAt: '2026-01-02T03:04:05.678Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus/graph',
  fingerprint: 'f00d',
  ...more,
});
const group = (...alerts: unknown[]) => ({
  version: '4',
  groupKey: '{}',
  receiver: 'r',
  status: 'firing',
  externalURL: 'http://am',
  alerts,
});
const event = (more: object = {}) => ({
  specversion: '1.0',
  id: 'e-1',
  source: '/services/orders',
  type: 'order.late',
  tenantid: 'bakery',
  severity: 'low',
  ...more,
});
const page = (more: object = {}) => ({
  routing_key: 'canary-key',
  event_action: 'trigger',
  payload: { summary: 's', source: 'host', severity: 'error' },
  ...more,
});

function only(parsed: readonly ParsedMessage[]): Extract<ParsedMessage, { ok: true }> {
  expect(parsed).toHaveLength(1);
  const first = parsed[0]!;
  if (!first.ok) throw new Error(`refused: ${JSON.stringify(first)}`);
  return first;
}
/** Reads from the queue what came by HTTP, as the processor does. */
const throughTheQueue = (message: AlertMessage) =>
  only(parseMessages(Buffer.from(JSON.stringify(message)), { routing_key: routingKeyOf(message) }).messages);

describe('an alert of a webhook of state', () => {
  const ofReceipt = (envelope: Envelope, more: object = {}) =>
    only(parse(group(alert(more)), { tenant_id: 'bakery', ...envelope })).message;

  it('says what is so now, by its fingerprint, firing and resolved, with the clock for display', () => {
    expect(ofReceipt({})).toMatchObject({
      snapshot: true,
      dedup_key: 'f00d',
      status: 'firing',
      occurred_at: '2026-01-02T03:04:05.678Z',
    });
    expect(ofReceipt({}, { status: 'resolved', endsAt: '2026-01-02T04:00:00Z' })).toMatchObject({
      snapshot: true,
      dedup_key: 'f00d',
      status: 'resolved',
      occurred_at: '2026-01-02T04:00:00.000Z',
    });
    expect(ofReceipt({}, { fingerprint: undefined })).not.toHaveProperty('dedup_key', expect.anything());
    expect(ofReceipt({}, { fingerprint: undefined }).snapshot).not.toBe(true);
  });

  // over HTTP nothing distinguishes one receipt from the next; over AMQP a redelivery is the same receipt
  it.each<[string, Envelope, Envelope, boolean]>([
    ['HTTP', {}, {}, false],
    ['the same delivery', { message_id: 'm', timestamp: 5 }, { message_id: 'm', timestamp: 5 }, true],
    ['another delivery', { message_id: 'm' }, { message_id: 'n' }, false],
    ['the same time', { timestamp: 5 }, { timestamp: 5 }, true],
    ['another time', { timestamp: 5 }, { timestamp: 6 }, false],
    ['no time', {}, { timestamp: 6 }, false],
  ])('has an id for each receipt: %s', (_, first, second, same) => {
    expect(ofReceipt(first).id === ofReceipt(second).id).toBe(same);
    const ids = [first, second].map((envelope) =>
      parse(group(alert(), alert({ fingerprint: 'beef' }), alert()), { tenant_id: 'bakery', ...envelope }).map((one) =>
        one.ok ? one.message.id : '',
      ),
    );
    expect(new Set(ids[0]).size).toBe(3);
    expect(JSON.stringify(ids[0]) === JSON.stringify(ids[1])).toBe(same);
  });

  it('is the same message when it came by HTTP and is read from the queue', () => {
    const first = throughTheQueue(only(parse(group(alert()))).message);
    expect(throughTheQueue(first.message)).toEqual(first);
    expect(first.message).toMatchObject({ snapshot: true, dedup_key: 'f00d' });
  });
});

describe('what cannot be stored in what others send', () => {
  const ESCAPE = '\u001b[31mred\u001b[0m';
  it.each<[string, unknown, number, object]>([
    [
      'an ANSI escape in an annotation',
      group(alert({ annotations: { description: 'x', summary: ESCAPE } }), alert()),
      4,
      { title: '\ufffd[31mred\ufffd[0m' },
    ],
    [
      'half a surrogate pair in a label',
      group(alert({ labels: { alertname: 'Cold', zone: 'a\ud83d' } })),
      1,
      { labels: { zone: 'a\ufffd' } },
    ],
    [
      'NUL in the name of a label',
      group(alert({ labels: { alertname: 'Cold', 'a\0b': 'c' } })),
      1,
      { labels: { 'a\ufffdb': 'c' } },
    ],
    [
      'DEL in a summary of PagerDuty',
      page({ dedup_key: 'k', payload: { summary: 'a\u007fb', source: 'h', severity: 'error' } }),
      1,
      { title: 'a\ufffdb' },
    ],
    ['a bell in the data of a CloudEvent', event({ data: { message: 'ding\u0007' } }), 1, { message: 'ding\ufffd' }],
    ['an emoji', group(alert({ annotations: { summary: '\ud83d\ude00\tok\n' } })), 0, { title: '\ud83d\ude00 ok' }],
  ])('is replaced and counted: %s', (_, body, replaced, expected) => {
    for (const judgement of ['strict', 'lenient'] as const) {
      const read = parseMessages(Buffer.from(JSON.stringify(body)), { tenant_id: 'bakery' }, judgement);
      expect(read.replaced).toBe(replaced);
      expect(read.messages[0]).toMatchObject({ ok: true, message: expected });
      expect(read.messages.every(({ ok }) => ok)).toBe(true);
    }
  });

  it('is refused in a message of ours, whose sender can mend it', () => {
    expect(parse({ tenant_id: 'b', service: 's', severity: 'low', title: ESCAPE })).toMatchObject([
      { ok: false, code: 'control_characters' },
    ]);
  });

  it('is refused alone when it is nested too deeply', () => {
    const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
    const body = JSON.stringify(
      group(alert({ annotations: { deep: deep(40) } }), alert(), alert({ values: 'HERE' })),
    ).replace('"HERE"', '['.repeat(9_000) + ']'.repeat(9_000));
    const parsed = parseMessages(Buffer.from(body), { tenant_id: 'bakery' }).messages;
    expect(parsed.map((one) => (one.ok ? 'ok' : one.code))).toEqual(['too_deep', 'ok', 'too_deep']);
    expect(parsed[0]).toMatchObject({ errors: [{ pointer: '/alerts/0' }], tenant_id: 'bakery' });
  });
});

describe('a refused part of a group', () => {
  it('can be read again alone, is refused for the same, and keeps what its address said', () => {
    const [refusal] = parse(group(alert({ fingerprint: 'x'.repeat(300) }), alert()), {
      tenant_id: 'bakery',
      service: 'ovens',
    });
    if (!refusal || refusal.ok) throw new Error('accepted');
    expect(refusal).toMatchObject({ code: 'invalid_field', errors: [{ pointer: '/alerts/0/fingerprint' }] });
    const body = JSON.parse(Buffer.from(refusal.bytes!).toString()) as object;
    expect(body).toMatchObject({ tenant_id: 'bakery', service: 'ovens', title: 'It is cold' });
    expect(parseMessages(refusal.bytes!).messages).toMatchObject([
      { ok: false, code: 'invalid_field', tenant_id: 'bakery', errors: [{ pointer: '/dedup_key' }] },
    ]);
  });

  it('is what was sent when it is no alert at all', () => {
    const [refusal] = parse(group('text', alert()));
    expect(refusal).toMatchObject({ ok: false, bytes: Buffer.from('"text"') });
    expect(parseMessages(Buffer.from('"text"')).messages).toMatchObject([{ ok: false, code: 'invalid_json' }]);
  });
});

describe('alerts that were left out', () => {
  const cutOff = (truncatedAlerts: unknown, more: object = {}) => ({
    ...group(alert()),
    groupLabels: { alertname: 'Cold', job: 'ovens' },
    truncatedAlerts,
    ...more,
  });
  const noticeOf = (body: object) => parse(body)[1];

  it('are an alert of their own, under one key a group and receiver', () => {
    const notice = noticeOf(cutOff(12));
    expect(notice).toMatchObject({
      ok: true,
      message: {
        title: '12 more alerts were not sent (Cold)',
        snapshot: true,
        status: 'firing',
        service: 'ovens',
        severity: 'high',
        dedup_key: expect.stringMatching(/^left-out\//) as string,
        metadata: { truncated_alerts: 12 },
      },
    });
    const keys = [cutOff(12), cutOff(1), cutOff(12, { groupKey: 'other' }), cutOff(12, { receiver: 'other' })].map(
      (body) => (noticeOf(body) as { message: AlertMessage }).message.dedup_key,
    );
    expect([keys[0] === keys[1], new Set(keys).size]).toEqual([true, 3]);
    expect(noticeOf(cutOff(1))).toMatchObject({ message: { title: '1 more alert was not sent (Cold)' } });
  });

  it.each([[0], [undefined], [-1], ['12'], [null]])('are none with %j', (truncated) =>
    expect(parse(cutOff(truncated))).toHaveLength(1),
  );

  it('end by the same key when none is left out any more', () => {
    const value = cutOff(0);
    const over = MessageGroup.of(value, { tenant_id: 'bakery' }, Buffer.alloc(0), false)!;
    const parsed = over.readPart(over.shape.all_sent!, 'lenient');
    expect(parsed).toMatchObject({
      ok: true,
      message: {
        status: 'resolved',
        service: 'ovens',
        snapshot: true,
        dedup_key: (noticeOf(cutOff(3)) as { message: AlertMessage }).message.dedup_key,
      },
    });
    expect(MessageGroup.of(cutOff(undefined), {}, Buffer.alloc(0), false)!.shape.all_sent).toBeUndefined();
  });
});

describe('an alert of severity none', () => {
  const watchdog = (severity: unknown) => group(alert({ labels: { alertname: 'Watchdog', severity } }));
  it.each<[unknown, Envelope, string]>([
    ['none', {}, 'low'],
    ['none', { severity: 'urgent' }, 'low'],
    [' None', {}, 'low'],
    ['none', { severity_none: 'medium' }, 'medium'],
    ['warning', { severity_none: 'urgent' }, 'medium'],
    ['', { severity_none: 'low' }, 'high'],
    [undefined, { severity_none: 'low', severity: 'urgent' }, 'urgent'],
    ['odd', {}, 'high'],
  ])('%j with the address %j is %s', (severity, envelope, expected) => {
    expect(only(parse(watchdog(severity), { tenant_id: 'bakery', ...envelope })).message.severity).toBe(expected);
  });
});

describe('a group of alerts', () => {
  it('is judged one by one, and a refusal says where', () => {
    const parsed = parse(
      group(alert({ labels: { tenant_id: 'a,b' } }), alert(), 'text', alert({ fingerprint: undefined })),
      { tenant_id: 'bakery', message_id: 'm' },
    );
    expect(parsed.map(({ ok }) => ok)).toEqual([false, true, false, true]);
    expect(parsed[0]).toMatchObject({ code: 'invalid_field', errors: [{ pointer: '/alerts/0/labels/tenant_id' }] });
    expect(parsed[2]).toMatchObject({ code: 'invalid_field', errors: [{ pointer: '/alerts/2' }] });
    expect(parsed[3]).toMatchObject({ message: { severity: 'medium', service: 'ovens' } });
    expect((parsed[3] as { message: AlertMessage }).message.id).not.toBe('m');
  });

  it('takes tenant and service from its labels, then from its address, then from its sender', () => {
    const of = (labels: object, envelope: Envelope) => only(parse(group(alert({ labels })), envelope)).message;
    expect(
      of(
        { tenant_id: 'a', service: 's', job: 'j', severity: 'info' },
        { tenant_id: 'b', service: 'x', severity: 'urgent' },
      ),
    ).toMatchObject({ tenant_id: 'a', service: 's', severity: 'low' });
    expect(of({ job: 'monitoring/node exporter' }, { tenant_id: 'b', severity: 'low' })).toMatchObject({
      tenant_id: 'b',
      service: 'monitoring-node-exporter',
      severity: 'low',
    });
    expect(of({ severity: 'page' }, { tenant_id: 'b' })).toMatchObject({
      service: 'alertmanager',
      severity: 'high',
      labels: { severity: 'page' },
    });
    expect(parse(group(alert()), {})).toMatchObject([{ ok: false, code: 'missing_tenant' }]);
  });

  it('does not repeat in each alert all that the group says of itself', () => {
    const long = (unit: string) => unit.repeat(10_500);
    const body = { ...group(), groupKey: long('é'), receiver: long('r'), externalURL: long('u') };
    const parsed = parse({ ...body, alerts: Array.from({ length: 1_000 }, () => ({})) });
    expect(parsed.filter(({ ok }) => ok)).toHaveLength(1_000);
    for (const one of parsed)
      if (one.ok) {
        expect(JSON.stringify(one.message).length).toBeLessThan(4_096);
        expect(one.message.metadata).toMatchObject({
          group_key: `${'é'.repeat(999)}…`,
          receiver: `${'r'.repeat(999)}…`,
          external_url: `${'u'.repeat(999)}…`,
        });
      }
    const key = 'k'.repeat(32 * 1_024);
    const [notice] = parse({ ...group(alert()), groupKey: key, truncatedAlerts: 2 }).slice(1);
    expect(JSON.stringify(notice).length).toBeLessThan(4_096);
    expect(
      parse({ ...group(), groupKey: key, alerts: Array.from({ length: 1_000 }, () => ({})) }).filter(
        (one) => one.ok && JSON.stringify(one.message).length < 4_096,
      ),
    ).toHaveLength(1_000);
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
    [
      'a message of ours',
      { data: { tenant_id: 'dairy', service: 'sales', severity: 'urgent', name: 'late', id: 'order-1' } },
      {
        id: '/services/orders#e-1',
        tenant_id: 'dairy',
        service: 'sales',
        severity: 'urgent',
        name: 'late',
        metadata: { id: 'order-1' },
      },
    ],
    [
      'words of another domain',
      { data: { state: 'shipped', level: 3, source: 'web' } },
      { service: 'orders', status: 'firing', metadata: { state: 'shipped', level: 3, source: 'web' } },
    ],
    ['text', { data: 'It is late' }, { message: 'It is late' }],
    ['a list', { data: [1, 2] }, { metadata: { data: [1, 2] } }],
    ['nothing', { source: 'https://example.com/' }, { service: 'example.com' }],
    [
      'an alert that is over',
      { dedupkey: 'k', status: 'resolved', time: '2026-01-02T03:04:05Z' },
      { dedup_key: 'k', status: 'resolved' },
    ],
  ])('that holds %s is an alert, over HTTP too', (_, more, expected) => {
    expect(only(parse(event(more), {}, 'strict')).message).toMatchObject(expected);
  });

  it.each([
    ['ce-', {}],
    ['cloudEvents:', {}],
    ['cloudEvents_', { tenant_id: 'dairy' }],
  ])('may have its attributes in headers: %s', (prefix, body) => {
    const headers = Object.fromEntries(
      Object.entries(event({ subject: 'caf%C3%A9' })).map(([name, value]) => [`${prefix}${name}`, value]),
    );
    // over AMQP nothing is percent-encoded
    const subject = prefix === 'ce-' ? 'café' : 'caf%C3%A9';
    expect(only(parse(body, { headers })).message).toMatchObject({
      id: '/services/orders#e-1',
      service: 'orders',
      name: 'order.late',
      metadata: { cloudevent: { subject } },
      tenant_id: 'tenant_id' in body ? 'dairy' : 'bakery',
    });
  });

  it.each(['ce-', 'cloudEvents:', 'cloudEvents_'])('needs no data beside its attributes in headers: %s', (prefix) => {
    const { specversion, ...others } = event() as Record<string, unknown>;
    const headersOf = (attributes: object) =>
      Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`${prefix}${name}`, value]));
    const read = (attributes: object) =>
      parseMessages(Buffer.alloc(0), { headers: headersOf(attributes), tenant_id: 'bakery' }, 'strict');
    const whole = read({ specversion, ...others });
    expect([whole.shape, only(whole.messages).message]).toMatchObject(['cloudevent', { name: 'order.late' }]);
    expect(read(others).messages).toMatchObject([
      { ok: false, errors: [{ detail: expect.stringContaining('specversion') as string }] },
    ]);
    expect(parseMessages(Buffer.alloc(0), {}).messages).toMatchObject([{ ok: false, code: 'invalid_json' }]);
  });

  it.each([
    [{ severity: 'odd' }, '/severity'],
    [{ data: { severity: 'odd' } }, '/data/severity'],
    [{ service: 'a b' }, '/service'],
    [{ tenantid: 'a b' }, '/tenantid'],
    [{ time: 'now' }, '/time'],
  ])('with %j is refused at %s', (more, pointer) => {
    expect(parse(event(more), {}, 'strict')).toMatchObject([{ ok: false, errors: [{ pointer }] }]);
  });
});

describe('an event of PagerDuty', () => {
  it('that acknowledges is no alert', () => {
    expect(parse(page({ event_action: 'acknowledge', dedup_key: 'k' }))).toMatchObject([
      { ok: false, code: 'invalid_field', errors: [{ pointer: '/event_action' }] },
    ]);
  });

  it('says what is so now when it has a key, and is an alert of its own without one', () => {
    for (const event_action of ['trigger', 'resolve'])
      expect(only(parse(page({ event_action, dedup_key: 'k' }))).message.snapshot).toBe(true);
    expect(only(parse(page())).message.snapshot).not.toBe(true);
    expect(only(parse({ routing_key: 'k', event_action: 'resolve', dedup_key: 'k' })).message).not.toHaveProperty(
      'metadata.title',
    );
  });

  it('has the same service whether it triggers or resolves', () => {
    const [trigger, resolve] = [
      page({ dedup_key: 'k' }),
      { routing_key: 'canary-key', event_action: 'resolve', dedup_key: 'k' },
    ].map((body) => only(parse(body)).message);
    expect([trigger!.service, resolve!.service, resolve!.status, resolve!.dedup_key]).toEqual([
      'pagerduty',
      'pagerduty',
      'resolved',
      'k',
    ]);
  });

  it('does not give away its key', () => {
    expect(JSON.stringify(parse(page()))).not.toContain('canary-key');
    expect(
      JSON.stringify(parse(page({ payload: { severity: 'odd', custom_details: { tenant_id: 'a,b' } } }))),
    ).not.toContain('canary-key');
  });
});

it('what only looks like another shape is a message of ours', () => {
  const ours = { tenant_id: 'bakery', service: 's', severity: 'low', id: 'a' };
  for (const more of [
    { alerts: [] },
    { alerts: [alert()] },
    { specversion: '1.0' },
    { specversion: '0.3', source: 's', type: 'x' },
    { event_action: 'trigger' },
    { event_action: 'odd', routing_key: 'k' },
  ]) {
    const bytes = Buffer.from(JSON.stringify({ ...ours, ...more }));
    expect(parseMessages(bytes)).toEqual({ messages: [parseAlertMessage(bytes)], webhook: false, replaced: 0 });
  }
});

it('never throws, for any value within a shape', () => {
  const odd = fc.oneof(fc.anything(), fc.string(), fc.constant(null));
  const within = (body: (value: unknown, other: unknown) => object) =>
    fc.assert(
      fc.property(odd, odd, (value, other) => {
        let text: string | undefined;
        try {
          text = JSON.stringify(body(value, other));
        } catch {
          return; // a value that JSON cannot represent
        }
        const { messages } = parseMessages(Buffer.from(text), { headers: { 'ce-id': value } });
        expect(messages.length).toBeGreaterThan(0);
      }),
    );
  for (const name of ['labels', 'annotations', 'startsAt', 'endsAt', 'fingerprint', 'status', 'generatorURL', 'values'])
    within((value, other) => group(alert({ [name]: value }), other));
  for (const name of ['data', 'time', 'tenantid', 'subject', 'severity', 'dedupkey'])
    within((value, other) => event({ [name]: value, extension: other }));
  for (const name of ['payload', 'links', 'images', 'client', 'client_url', 'dedup_key'])
    within((value, other) => page({ [name]: value, tenant_id: other }));
  within((value, other) => page({ payload: { summary: value, custom_details: other, class: value } }));
});

describe('an alias of Opsgenie', () => {
  const read = (reader: Parameters<typeof MessageGroup.of>[4], fields: object = {}) =>
    only([MessageGroup.of(fields, { tenant_id: 'bakery' }, Buffer.from('{}'), false, reader)!.read(0, 'lenient')])
      .message;
  const create = (alias: string) => read(readOpsgenieAlert, { message: 'Cold', alias, tags: ['oven'] });
  const close = (alias: string, fields?: object) => read((said) => readOpsgenieUpdate(alias, 'close', said), fields);

  it.each([
    ['of 300 characters', 'a'.repeat(300)],
    ['with a tab', 'a\tb'],
    ['with a line break', 'a\nb'],
  ])('%s closes the alert that it has created, and stays in the metadata', (_, alias) => {
    const [created, closed] = [create(alias), close(alias)];
    expect(created).toMatchObject({ snapshot: true, metadata: { dedup_key: alias, tags: ['oven'] } });
    expect(closed).toMatchObject({ status: 'resolved', dedup_key: created.dedup_key });
    // what a request to close does not say, the alert keeps
    expect(closed.assumed).toContain('metadata');
    expect(created.dedup_key!.length).toBeLessThanOrEqual(200);
    expect(created.dedup_key).not.toBe(created.id);
    expect(close(alias, { user: 'ben' }).metadata).toEqual({ closed: { user: 'ben' }, dedup_key: alias });
    // a client may also close it by the key that it was told
    expect(close(created.dedup_key!).dedup_key).toBe(created.dedup_key);
  });

  it('that fits is the key', () => {
    expect([create('oven-1'), close('oven-1')]).toMatchObject([{ dedup_key: 'oven-1' }, { dedup_key: 'oven-1' }]);
    expect([create('oven-1').metadata, close('oven-1').metadata]).toEqual([{ tags: ['oven'] }, {}]);
  });

  it.each(['acknowledge', 'notes'] as const)('of 300 characters names the alert to %s', (action) => {
    const alias = 'a'.repeat(300);
    const { acknowledged } = readOpsgenieUpdate(alias, action, {});
    expect(acknowledged!.part.body.dedup_key).toBe(create(alias).dedup_key);
  });
});

it('replaces what cannot be stored in an alias that stands in the address', () => {
  const read = (fields: unknown) => readOpsgenieUpdate('oven\u00001', 'close', fields);
  const group = MessageGroup.of({}, { tenant_id: 'bakery' }, Buffer.from('{}'), false, read)!;
  expect(group.read(0, 'lenient')).toMatchObject({ ok: true, message: { dedup_key: 'oven\ufffd1' } });
  expect(group.replaced).toBe(1);
});
