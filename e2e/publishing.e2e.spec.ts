import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

describe('publishing over HTTP', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.open({ tenants: { ana: ['bakery'] } });
  });
  afterAll(() => stack?.close());

  const publish = (body: unknown, { query = '', prefer }: { query?: string; prefer?: string } = {}) =>
    ask(stack.gateway.url, `/api/v1/events${query}`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${tokenFor('svc', { scope: 'events:publish' })}`,
        'Content-Type': 'application/json',
        ...(prefer && { Prefer: prefer }),
      },
      body: JSON.stringify(body),
    });
  const message = (more: object = {}) => ({
    tenant_id: 'waiting',
    service: 'inventory',
    severity: 'low',
    name: 'low_stock',
    ...more,
  });

  it('a publisher that waits is told the numbers, the same ones again for the same messages, and what is dead', async () => {
    const batch = [
      message({ id: 'a' }),
      message({ id: 'b' }),
      message({ id: 'c', summary: 'Flour', title: 'Flour is low' }),
    ];
    const answer = await publish(batch, { prefer: 'wait=10' });
    expect([answer.status, answer.headers['preference-applied']]).toEqual([201, 'wait=10']);
    expect(answer.json.events).toEqual(
      ['a', 'b', 'c'].map((id, index) => ({ id, tenant_id: 'waiting', outcome: 'stored', seq: index + 1 })),
    );

    const again = await publish([...batch.slice(1), message({ id: 'a', title: 'Another' })], { prefer: 'wait=10' });
    expect(again.status).toBe(201);
    expect(again.json.events).toMatchObject([
      { outcome: 'stored', seq: 2 },
      { outcome: 'stored', seq: 3 },
      { outcome: 'dead', seq: null, reason: 'id_conflict' },
    ]);
  });

  it('a receipt that is not known in time leaves the response as before, and the message is stored later', async () => {
    const processor = stack.processors.pop()!;
    await processor.stop();
    const startedAt = performance.now();
    const answer = await publish(message({ tenant_id: 'later', id: 'x' }), { prefer: 'wait=1' });
    expect([answer.status, answer.json.ids, answer.headers['preference-applied']]).toEqual([202, ['x'], undefined]);
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    await stack.startProcessor();
    expect((await publish(message({ tenant_id: 'later', id: 'x' }), { prefer: 'wait=10' })).json.events).toMatchObject([
      { outcome: 'stored', seq: 1 },
    ]);
  });

  it("Alertmanager's repeats are one event for all measured values, by HTTP and by AMQP", async () => {
    const group = (value: number) => ({
      version: '4',
      groupKey: '{}',
      status: 'firing',
      receiver: 'r',
      externalURL: 'http://am',
      truncatedAlerts: 0,
      groupLabels: {},
      commonLabels: {},
      commonAnnotations: {},
      alerts: ['f1', 'f2'].map((fingerprint) => ({
        status: 'firing',
        labels: { alertname: 'Cold', severity: 'critical', tenant_id: 'monitored' },
        annotations: { summary: 'Cold', description: `${value} °C` },
        startsAt: '2026-01-02T03:04:05Z',
        endsAt: '0001-01-01T00:00:00Z',
        generatorURL: 'http://prometheus/graph',
        fingerprint,
      })),
    });
    for (const value of [41, 39]) {
      const answer = await publish(group(value), { prefer: 'wait=10' });
      expect(answer.json.events).toMatchObject([
        { outcome: 'stored', seq: 1 },
        { outcome: 'stored', seq: 2 },
      ]);
    }
    const before = (await stack.rows()).length;
    await stack.amqp.publish('monitoring', group(38));
    await stack.amqp.publish('monitoring', {
      ...group(37),
      alerts: [
        ...group(37).alerts,
        { ...group(37).alerts[0]!, fingerprint: 'f3' },
        { status: 'firing', labels: { tenant_id: 'a,b' } },
      ],
    });
    await stack.stored(before + 1);
    expect((await stack.rows()).filter(({ tenant_id }) => tenant_id === 'monitored').map(({ seq }) => seq)).toEqual([
      1, 2, 3,
    ]);
    const letter = { reason: 'invalid_field', detail: expect.stringContaining('/alerts/3/labels/tenant_id') as string };
    // recorded after the other messages of the same delivery were stored
    await eventually(async () =>
      expect(
        await stack.sql(`select reason, detail from tocsin.dead_letter where detail like '/alerts%'`),
      ).toMatchObject([letter]),
    );
  });
});
