import { eventually } from '@tocsin/contracts/testing';
import { Stack } from './kit/stack';

const MESSAGES = 3_000;
/** How long an urgent alert may take from the exchange into the event log. */
const URGENT_WITHIN_MS = 1_000;

describe('while no processor was there', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.open({ processors: 1, gateways: 0 });
    await stack.processors[0]!.stop();
  });
  afterAll(() => stack?.close());

  it('messages expire: they are stored once each all the same, an urgent one at once', async () => {
    const alert = (id: string, severity: string) => ({
      tenant_id: 'bakery',
      service: 'inventory',
      severity,
      id,
      title: 'Flour',
    });
    const published = Array.from({ length: MESSAGES }, (_, n) =>
      stack.amqp.publish('alert.low.inventory', alert(`low-${n}`, 'low'), { expiration: n % 2 ? '1' : '0' }),
    );
    await Promise.all(published);
    await stack.amqp.publish('alert.urgent.inventory', alert('urgent', 'urgent'), { expiration: '1' });
    await eventually(async () => expect(await stack.amqp.depth()).toBe(0), 30_000);

    await stack.startProcessor();
    const sinceReady = performance.now();
    await eventually(async () =>
      expect(await stack.sql(`select seq from tocsin.event where event_id = 'urgent'`)).toHaveLength(1),
    );
    expect(performance.now() - sinceReady).toBeLessThan(URGENT_WITHIN_MS);

    await eventually(async () => expect((await stack.rows()).length).toBe(MESSAGES + 1), 30_000);
    expect(new Set((await stack.rows()).map(({ event_id }) => event_id)).size).toBe(MESSAGES + 1);
    expect(await stack.sql('select reason from tocsin.dead_letter')).toEqual([]);
    const [lead] = await stack.sql<{ ms: number }>(
      `select extract(epoch from (select received_at from tocsin.event where event_id = 'urgent') - (select min(received_at) from tocsin.event)) * 1000 as ms`,
    );
    expect(Number(lead!.ms)).toBeLessThan(URGENT_WITHIN_MS);
  });
});
