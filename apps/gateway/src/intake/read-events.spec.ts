import { Refused } from '@tocsin/contracts';
import { preferredWait } from './preferred-wait';
import { readEvents } from './read-events';

const MAX_BYTES = 65_536;
const message = (more: object = {}) => ({
  tenant_id: 'bakery',
  service: 'inventory',
  severity: 'low',
  id: 'a',
  ...more,
});
const alert = (more: object = {}) => ({
  status: 'firing',
  labels: { alertname: 'Cold', tenant_id: 'bakery' },
  annotations: {},
  startsAt: '2026-01-02T03:04:05Z',
  fingerprint: 'f',
  ...more,
});
const group = (...alerts: unknown[]) => ({ version: '4', groupKey: '{}', alerts });
const readAny = (body: unknown, query: Record<string, unknown> = {}) =>
  readEvents({ body: Buffer.from(JSON.stringify(body)), headers: {}, query }, MAX_BYTES);
async function read(body: unknown, query: Record<string, unknown> = {}) {
  const read = await readAny(body, query);
  if ('group' in read) throw new Error('a group');
  return read;
}
async function refusal(act: () => Promise<unknown>): Promise<Refused> {
  try {
    await act();
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  throw new Error('accepted');
}

describe('a request that publishes', () => {
  it('gives defaults for its messages in its address', async () => {
    const { tenant_id: _tenant, service: _service, severity: _severity, ...bare } = message();
    expect(
      (await read([bare, message()], { tenant: 'dairy', service: 'sales', severity: 'critical' })).messages,
    ).toMatchObject([
      { tenant_id: 'dairy', service: 'sales', severity: 'urgent' },
      { tenant_id: 'bakery', service: 'inventory', severity: 'low' },
    ]);
  });

  it.each([
    ['tenant', 'a,b'],
    ['tenant', ['a', 'b']],
    ['service', 'a b'],
    ['severity', 'odd'],
    ['severity_none', 'none'],
    ['severity_none', ''],
  ])('with ?%s=%s is refused', async (parameter, value) => {
    expect(await refusal(() => read(message(), { [parameter]: value }))).toMatchObject({
      code: 'invalid_parameter',
      details: { errors: [{ parameter }] },
    });
  });

  it('publishes nothing of a list unless all of it is valid, and says where it is not', async () => {
    const error = await refusal(() =>
      read([
        message(),
        message({ severty: 'x' }),
        { specversion: '1.0', id: 'e', source: 's', type: 't', tenantid: 'b', data: { severity: 'odd' } },
      ]),
    );
    expect(error).toMatchObject({
      code: 'unknown_field',
      details: { errors: [{ pointer: '/1/severty' }, { pointer: '/2/data/severity' }] },
    });
  });

  it('may be a group of another system, of any number and larger than one message', async () => {
    const many = Array.from({ length: 1_200 }, (_, i) =>
      alert({ fingerprint: `f${i}`, annotations: { summary: 'x'.repeat(250) } }),
    );
    const read = await readAny(group(...many), { tenant: 'bakery', severity_none: 'drop' });
    if (!('group' in read)) throw new Error('no group');
    expect([read.group.shape.count, read.drops_severity_none]).toEqual([1_200, true]);
    expect(read.group.read(1_199, 'lenient')).toMatchObject({ ok: true, message: { dedup_key: 'f1199' } });
  });

  it('is too large when it is one message beyond the limit, and too long when it is a list of ours', async () => {
    expect(await refusal(() => read(message({ message: 'x'.repeat(MAX_BYTES) })))).toMatchObject({
      code: 'message_too_large',
    });
    expect(await refusal(() => read(Array.from({ length: 501 }, () => message())))).toMatchObject({
      code: 'batch_too_large',
    });
    expect(await refusal(() => read([]))).toMatchObject({ code: 'empty_batch' });
  });

  it('may be an event of another system that is larger than one message, and nothing else of that size', async () => {
    const event = { routing_key: 'k', event_action: 'trigger', dedup_key: 'oven-1' };
    const details = { summary: 'Cold', source: 'h', severity: 'error', custom_details: { a: 'x'.repeat(MAX_BYTES) } };
    const read = await readAny({ ...event, payload: details }, { tenant: 'bakery' });
    expect('group' in read && read.group.shape.name).toBe('pagerduty');
    const cloudEvent = {
      specversion: '1.0',
      id: 'e',
      source: 's',
      type: 't',
      data: { text: details.custom_details.a },
    };
    for (const body of [
      cloudEvent,
      details.custom_details.a,
      JSON.stringify(message({ title: details.custom_details.a })),
      { pattern: 'p', data: message({ title: details.custom_details.a }) },
    ])
      expect(await refusal(() => readAny(body))).toMatchObject({ code: 'message_too_large' });
  });

  it('names its fault when its text or depth cannot be stored', async () => {
    for (const body of [message({ title: 'a\u0007' }), [message(), message({ title: 'a\u0007' })]])
      expect(await refusal(() => read(body))).toMatchObject({ code: 'control_characters' });
  });
});

it.each<[string | undefined, number]>([
  [undefined, 0],
  ['wait=5', 5],
  ['respond-async, wait=3', 3],
  ['Wait = "7"; foo', 7],
  ['wait=99', 10],
  ['wait=0', 0],
  ['wait=-1', 0],
  ['wait=soon', 0],
  ['waiting=5', 0],
  ['', 0],
])('the preference %j is a wait of %d seconds', (header, seconds) => expect(preferredWait(header)).toBe(seconds));
