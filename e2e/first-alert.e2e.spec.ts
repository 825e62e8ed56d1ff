import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '@tocsin/contracts/testing';
import { SseParser } from './kit/sse-parser';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

const LOW_STOCK = {
  id: 'flour-1',
  tenant_id: 'bakery',
  service: 'inventory',
  severity: 'urgent',
  type: 'alert',
  name: 'low_stock',
  title: 'Flour is running low',
  occurred_at: '2026-01-02T03:04:05.678Z',
};

describe('the first alert', () => {
  let stack: Stack;
  beforeAll(async () => (stack = await Stack.open({ tenants: { ana: ['bakery'] } })));
  afterAll(() => stack?.close());

  it('that a plain AMQP client publishes arrives at curl, is one row, and was carried by Redis', async () => {
    const onRedis: Buffer[] = [];
    const subscriber = stack.redis.duplicate();
    subscriber.on('messageBuffer', (_channel: Buffer, message: Buffer) => onRedis.push(message));
    await subscriber.subscribe(`${stack.prefix}alerts:bakery`);

    const curl = spawn('curl', ['-sN', '--max-time', '20', `${stack.eventsUrl()}?token=${tokenFor('ana')}`]);
    const seen = new SseParser();
    curl.stdout.on('data', (chunk: Buffer) => seen.push(chunk));
    try {
      const first = await eventually(() => seen.events[0] ?? Promise.reject(new Error('curl has printed nothing')));
      expect(first.event).toBe('connection');
      expect(JSON.parse(first.data)).toMatchObject({
        verdict: 'fresh',
        tenants: [{ tenant_id: 'bakery', name: 'The bakery', verdict: 'fresh' }],
      });

      await stack.amqp.publish('alert.urgent.inventory', LOW_STOCK);

      const alert = await eventually(
        () =>
          seen.events.find(({ event }) => event === 'inventory_alert') ??
          Promise.reject(new Error('curl has printed no inventory_alert')),
      );
      const { id, ...shown } = LOW_STOCK;
      expect(JSON.parse(alert.data)).toMatchObject({
        ...shown,
        event_id: id,
        seq: 1,
        change: 'raised',
        status: 'firing',
      });
      expect(seen.faults).toEqual([]);

      const rows = await stack.sql<{ seq: string; fp: string; title: string; event_id: string }>(
        'select seq, fp, title, event_id from tocsin.event',
      );
      expect(rows).toEqual([
        { seq: '1', fp: alert.id!.split('-')[2], title: 'Flour is running low', event_id: 'flour-1' },
      ]);

      expect(onRedis).toHaveLength(1);
      const [signature, head, data] = onRedis[0]!.toString().split('\n');
      expect(signature).toMatch(/^[\w-]{43}$/);
      expect(JSON.parse(head!)).toMatchObject({
        v: 1,
        seq: 1,
        event: 'inventory_alert',
        severity: 'urgent',
        service: 'inventory',
      });
      expect(data).toBe(alert.data);
    } finally {
      curl.kill('SIGKILL');
      await once(curl, 'close');
      subscriber.disconnect();
    }
  });

  it('sent again is not stored again, and is not shown again', async () => {
    const stream = await stack.watch('ana', { query: { since: '10' } });
    await stream.entry('flour-1');

    await stack.amqp.publish('alert.urgent.inventory', LOW_STOCK);
    await stack.amqp.publish('alert.urgent.inventory', { ...LOW_STOCK, id: 'flour-2' });

    await stream.entry('flour-2');
    expect(stream.entries.map(({ data }) => (JSON.parse(data) as { event_id: string }).event_id)).toEqual([
      'flour-1',
      'flour-2',
    ]);
    expect(await stack.rows()).toHaveLength(2);
    stream.close();
  });

  it('and its repetition were both counted, and left the queue', async () => {
    const [processor] = stack.processors;
    expect(await stack.amqp.depth()).toBe(0);
    await eventually(async () => {
      const results = ['stored', 'duplicate', 'dead'].map((result) =>
        processor!.metric('tocsin_ingest_messages_total', `result="${result}"`),
      );
      expect(await Promise.all(results)).toEqual([2, 1, 0]);
    });
  });
});
