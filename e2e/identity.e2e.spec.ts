import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import type { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { publisherToken } from './kit/tokens';

interface Shown {
  seq: number;
  event_id: string;
  alert_id: string;
  change: string;
  status: string;
  service: string;
  previous: { status: string } | null;
  occurrences: number;
}

const flour = (more: Record<string, unknown>) => ({ tenant_id: 'bakery', name: 'low_stock', ...more });
const at = (minute: number): string => `2026-01-02T03:${String(minute).padStart(2, '0')}:00Z`;

describe('which message is which', () => {
  let stack: Stack;
  let stream: SseStream;
  beforeAll(async () => {
    stack = await Stack.open({ tenants: { ana: ['bakery'] } });
    stream = await stack.watch('ana');
  });
  afterAll(async () => {
    stream?.close();
    await stack?.close();
  });

  const shown = async (id: string): Promise<Shown> => JSON.parse((await stream.entry(id)).data) as Shown;

  it('two services with one id are two alerts', async () => {
    await stack.amqp.publish('alert.low.inventory', flour({ id: 'same', service: 'inventory' }));
    await stack.amqp.publish('alert.low.sales', flour({ id: 'same', service: 'sales' }));
    await stack.amqp.publish('alert.low.sales', flour({ id: 'after', service: 'sales' }));
    await shown('after');

    const both = stream.entries
      .map(({ data }) => JSON.parse(data) as Shown)
      .filter(({ event_id }) => event_id === 'same');
    expect(both.map(({ service, change }) => `${service} ${change}`).sort()).toEqual([
      'inventory raised',
      'sales raised',
    ]);
    expect(both[0]!.alert_id).not.toBe(both[1]!.alert_id);
  });

  it('one id with another body is id_conflict: a dead letter, on record, and the first stays as it was', async () => {
    await stack.amqp.publish('alert.low.inventory', flour({ id: 'once', title: 'The first' }));
    await shown('once');
    await stack.amqp.publish('alert.low.inventory', flour({ id: 'once', title: 'Another' }));

    const [letter] = await eventually(async () => {
      const letters = await stack.amqp.takeDead();
      if (letters.length === 0) throw new Error('alerts.dead is empty');
      return letters;
    });
    expect(JSON.parse(letter!.content.toString())).toMatchObject({ id: 'once', title: 'Another' });
    expect(letter!.properties.headers).toMatchObject({ reason: 'id_conflict' });
    const records = await stack.sql<{ tenant_id: string; reason: string; routing_key: string }>(
      'select tenant_id, reason, routing_key from tocsin.dead_letter',
    );
    expect(records).toEqual([{ tenant_id: 'bakery', reason: 'id_conflict', routing_key: 'alert.low.inventory' }]);
    expect(await stack.sql('select title from tocsin.event where event_id = $1', ['once'])).toEqual([
      { title: 'The first' },
    ]);
  });

  it('the same message in other words, by HTTP and by AMQP, is one', async () => {
    const message = {
      id: 'twice',
      tenant_id: 'bakery',
      service: 'inventory',
      severity: 'high',
      name: 'low_stock',
      occurred_at: '2026-01-02T03:04:05.000Z',
    };
    const answer = await ask(stack.gateway.url, '/api/v1/events', {
      method: 'POST',
      headers: { Authorization: `Bearer ${publisherToken()}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(message),
    });
    expect({ status: answer.status, json: answer.json }).toEqual({ status: 202, json: { ids: ['twice'] } });
    await shown('twice');

    await stack.amqp.publish(
      'alert.high.inventory',
      '{ "severity": "ERROR", "timestamp": 1767323045, "alert_type": "low_stock", "source": "inventory", "tenant_id": "bakery", "event_id": "twice" }',
    );
    await stack.amqp.publish('alert.high.inventory', flour({ id: 'after-twice' }));
    await shown('after-twice');

    expect(await stack.sql('select severity from tocsin.event where event_id = $1', ['twice'])).toEqual([
      { severity: 'high' },
    ]);
    expect(await stack.amqp.takeDead()).toEqual([]);
  });

  it('a late firing does not re-open what resolved has closed', async () => {
    const oven = (id: string, status: string, minute: number) =>
      flour({ id, service: 'oven', dedup_key: 'oven-1', status, occurred_at: at(minute) });
    await stack.amqp.publish('alert.high.oven', oven('o-1', 'firing', 1));
    const raised = await shown('o-1');
    await stack.amqp.publish('alert.high.oven', oven('o-3', 'resolved', 3));
    const resolved = await shown('o-3');
    await stack.amqp.publish('alert.high.oven', oven('o-2', 'firing', 2));
    const late = await shown('o-2');
    await stack.amqp.publish('alert.high.oven', oven('o-4', 'firing', 4));
    const again = await shown('o-4');

    expect([raised, resolved, late, again].map(({ change, status }) => `${change}: ${status}`)).toEqual([
      'raised: firing',
      'resolved: resolved',
      'stale: resolved',
      'reopened: firing',
    ]);
    expect(new Set([raised, resolved, late, again].map(({ alert_id }) => alert_id)).size).toBe(1);
    expect(again.occurrences).toBe(4);
  });

  it('a resolved that comes before its firing has the last word', async () => {
    const door = (id: string, status: string, minute: number) =>
      flour({ id, service: 'door', dedup_key: 'door-1', status, occurred_at: at(minute) });
    await stack.amqp.publish('alert.high.door', door('d-2', 'resolved', 2));
    await shown('d-2');
    await stack.amqp.publish('alert.high.door', door('d-1', 'firing', 1));
    expect(await shown('d-1')).toMatchObject({ change: 'stale', status: 'resolved' });
    expect(await stack.sql('select status from tocsin.alert where dedup_key = $1', ['door-1'])).toEqual([
      { status: 'resolved' },
    ]);
    expect(
      await stack.sql(
        'select 1 from tocsin.delivery d join tocsin.alert a using (tenant_id, alert_id) where a.dedup_key = $1',
        ['door-1'],
      ),
    ).toEqual([]);
  });
});
