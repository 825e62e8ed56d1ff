import { Refused } from '@tocsin/contracts';
import { preferredWait } from './preferred-wait';
import { readEvents } from './read-events';

const MAX_BYTES = 65_536;
const message = (more: object = {}) => ({ tenant_id: 'bakery', service: 'inventory', severity: 'low', id: 'a', ...more });
const alert = (more: object = {}) => ({ status: 'firing', labels: { alertname: 'Cold', tenant_id: 'bakery' }, annotations: {}, startsAt: '2026-01-02T03:04:05Z', fingerprint: 'f', ...more });
const group = (...alerts: unknown[]) => ({ version: '4', groupKey: '{}', alerts });
const read = (body: unknown, query: Record<string, unknown> = {}) => readEvents({ body: Buffer.from(JSON.stringify(body)), headers: {}, query }, MAX_BYTES);
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
  it('says in its address what its messages do not', async () => {
    const { tenant_id: _tenant, service: _service, severity: _severity, ...bare } = message();
    expect((await read([bare, message()], { tenant: 'dairy', service: 'sales', severity: 'critical' })).messages).toMatchObject([
      { tenant_id: 'dairy', service: 'sales', severity: 'urgent' }, { tenant_id: 'bakery', service: 'inventory', severity: 'low' },
    ]);
  });

  it.each([['tenant', 'a,b'], ['tenant', ['a', 'b']], ['service', 'a b'], ['severity', 'odd']])('with ?%s=%s is refused', async (parameter, value) => {
    expect(await refusal(() => read(message(), { [parameter]: value }))).toMatchObject({ code: 'invalid_parameter', details: { errors: [{ parameter }] } });
  });

  it('publishes nothing of a list unless all of it is valid, and says where it is not', async () => {
    const error = await refusal(() => read([message(), message({ severty: 'x' }), { specversion: '1.0', id: 'e', source: 's', type: 't', tenantid: 'b', data: { severity: 'odd' } }]));
    expect(error).toMatchObject({ code: 'unknown_field', details: { errors: [{ pointer: '/1/severty' }, { pointer: '/2/data/severity' }] } });
  });

  it('publishes what is valid of a group of alerts, and is answered with what is not', async () => {
    const { messages, refusal: rest } = await read(group(alert(), alert({ labels: {} }), alert({ fingerprint: 'g' })));
    expect(messages.map(({ dedup_key }) => dedup_key)).toEqual(['f', 'g']);
    expect(rest).toMatchObject({ code: 'missing_tenant', details: { errors: [{ pointer: '/alerts/1/labels/tenant_id' }] } });
    expect(await refusal(() => read(group(alert({ labels: {} }))))).toMatchObject({ code: 'missing_tenant' });
  });

  it('may be larger than one message when it is a group, up to 500 alerts', async () => {
    const many = Array.from({ length: 500 }, (_, i) => alert({ fingerprint: `f${i}`, annotations: { summary: 'x'.repeat(250) } }));
    expect((await read(group(...many))).messages).toHaveLength(500);
    expect(await refusal(() => read(group(...many, alert())))).toMatchObject({ code: 'batch_too_large' });
    expect(await refusal(() => read(message({ message: 'x'.repeat(MAX_BYTES) })))).toMatchObject({ code: 'message_too_large' });
  });
});

it.each<[string | undefined, number]>([
  [undefined, 0], ['wait=5', 5], ['respond-async, wait=3', 3], ['Wait = "7"; foo', 7], ['wait=99', 10], ['wait=0', 0], ['wait=-1', 0], ['wait=soon', 0], ['waiting=5', 0], ['', 0],
])('the preference %j is a wait of %d seconds', (header, seconds) => expect(preferredWait(header)).toBe(seconds));
