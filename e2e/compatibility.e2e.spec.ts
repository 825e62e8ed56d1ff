import { connect } from 'amqplib';
import { Stack } from './kit/stack';

/** What a Python service of the original system sends with `json.dumps`, without any AMQP properties. */
const RECOMMENDATION = `{"tenant_id": "bakery", "item_type": "recommendation", "type": "low_stock", "severity": "URGENT", "title": "Order flour",
 "message": "Only 2 kg of flour are left \\u2014 order today", "actions": ["Order now", "Dismiss"], "metadata": {"ingredient": "flour", "stock": 2.5},
 "timestamp": "2026-01-02T03:04:05.678901", "shelf": "B 7"}`;

describe('a producer of the original system', () => {
  let stack: Stack;
  beforeAll(async () => (stack = await Stack.open({ tenants: { ana: ['bakery'] }, processors: 0, gateways: 0 })));
  afterAll(() => stack?.close());

  it('declares the exchange first, and both sides find it as they expect it', async () => {
    // the stack itself declares the exchange as a producer does, before any of the processes
    await stack.startProcessor();
    await stack.startGateway();
    await stack.amqp.declareExchange();
  });

  it('is understood: its message is stored and shown, and nothing of it is lost', async () => {
    const stream = await stack.watch('ana');
    await stack.amqp.publish('recommendation.low.sales', RECOMMENDATION);

    const { event, data } = await stream.frame('notification');
    expect(event).toBe('notification');
    const entry = JSON.parse(data) as Record<string, unknown>;
    expect(entry).toMatchObject({
      tenant_id: 'bakery',
      type: 'recommendation',
      name: 'low_stock',
      service: 'sales',
      severity: 'urgent',
      title: 'Order flour',
      message: 'Only 2 kg of flour are left — order today',
      actions: [{ label: 'Order now' }, { label: 'Dismiss' }],
      metadata: { ingredient: 'flour', stock: 2.5, shelf: 'B 7' },
      occurred_at: '2026-01-02T03:04:05.678Z',
      change: 'raised',
    });
    expect(Object.keys(entry)).toEqual(expect.not.arrayContaining(['item_type', 'timestamp', 'shelf']));
    expect(String(entry.event_id)).toMatch(/^[\x21-\x7e]{8,200}$/);

    // the body has a time: sent again, it is recognised as the same message
    await stack.amqp.publish('recommendation.low.sales', RECOMMENDATION);
    await stack.amqp.publish('alert.urgent.inventory', { tenant_id: 'bakery', id: 'after' });
    await stream.entry('after');
    expect(await stack.rows()).toHaveLength(2);
    stream.close();
  });

  it('that publishes without a confirm, transiently and without any property, is heard too', async () => {
    const stream = await stack.watch('ana');
    const connection = await connect(process.env.RABBITMQ_URL!);
    const channel = await connection.createChannel();
    channel.publish(
      stack.amqp.exchange,
      'alert.high.production',
      Buffer.from('{"tenant_id":"bakery","type":"oven_cold"}'),
    );
    await channel.close();
    await connection.close();
    const { data } = await stream.frame('notification');
    expect(JSON.parse(data)).toMatchObject({
      service: 'production',
      severity: 'high',
      type: 'alert',
      name: 'oven_cold',
      title: 'Oven cold',
    });
    stream.close();
  });
});
