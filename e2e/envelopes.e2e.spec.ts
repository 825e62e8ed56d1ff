import { ClientProxyFactory, Transport, type ClientProxy } from '@nestjs/microservices';
import { eventually } from '@tocsin/contracts/testing';
import { CloudEvent, HTTP, type Message } from 'cloudevents';
import { lastValueFrom } from 'rxjs';
import { gzipSync, brotliCompressSync, deflateSync } from 'node:zlib';
import { ask } from './kit/http';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

const publisher = () => tokenFor('shop', { scope: 'events:publish' });
const operator = () => tokenFor('ops', { scope: 'dead_letters:operate' });
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('what other libraries send', () => {
  let stack: Stack;
  let tenants = 0;
  let tenant: string;
  beforeAll(async () => (stack = await Stack.open({ gatewayEnvironment: { WEBHOOK_ORIGINS: 'eventgrid.azure.net' } })));
  afterAll(() => stack?.close());
  beforeEach(() => (tenant = `tenant-${(tenants += 1)}`));

  const alert = (more: object = {}) => ({
    tenant_id: tenant,
    service: 'ovens',
    severity: 'low',
    title: 'cold',
    ...more,
  });
  const rows = () =>
    stack.sql<{
      event_id: string;
      title: string;
      service: string;
      occurred_at: Date | null;
      trace_id: string | null;
      metadata: Record<string, unknown>;
    }>('select * from tocsin.event where tenant_id = $1 order by seq', [tenant]);
  const letters = () =>
    stack.sql<{
      dead_letter_id: string;
      reason: string;
      detail: string;
      body: Buffer;
      content_encoding: string | null;
    }>(
      `select * from tocsin.dead_letter where tenant_id = $1 or position($1 in encode(body, 'escape')) > 0 order by dead_letter_id`,
      [tenant],
    );
  const post = (body: string, headers: Record<string, string> = {}) =>
    ask(stack.gateway.url, '/api/v1/events', {
      method: 'POST',
      headers: { Authorization: `Bearer ${publisher()}`, 'Content-Type': 'application/json', ...headers },
      body,
    });
  /**
   * The SDK does not encode characters that a header cannot carry, although the specification demands it:
   * findings/cloudevents-binary-headers.sh.
   */
  const send = ({ headers, body }: Message) =>
    post(
      String(body),
      Object.fromEntries(
        Object.entries(headers as Record<string, string>).map(([name, value]) => [
          name,
          value.replace(/[^\x20-\x7e]/g, encodeURIComponent),
        ]),
      ),
    );
  /** Once this message is stored, earlier ones are settled too: it may overtake them, but only briefly. */
  const settled = async (count: number) => {
    await stack.amqp.publish('alert.low.end', alert({ id: 'end', service: 'end' }));
    await eventually(async () => expect((await rows()).length).toBeGreaterThanOrEqual(count + 1));
    await eventually(async () => expect(await stack.amqp.depth()).toBe(0));
    expect((await rows()).filter(({ event_id }) => event_id !== 'end')).toHaveLength(count);
  };

  it("Nest's ClientProxy emits and is heard, with or without a key of ours", async () => {
    const client: ClientProxy = ClientProxyFactory.create({
      transport: Transport.RMQ,
      options: {
        urls: [process.env.RABBITMQ_URL!],
        exchange: stack.amqp.exchange,
        exchangeType: 'topic',
        wildcards: true,
        queueOptions: { durable: true },
      },
    });
    try {
      await client.connect();
      await lastValueFrom(client.emit('alert.urgent.ovens', alert({ id: 'nest-1' })));
      await lastValueFrom(client.emit('order.late', JSON.stringify(alert({ id: 'nest-2' }))));
      await lastValueFrom(client.emit({ cmd: 'alerts' }, [alert({ id: 'nest-3' }), alert({ id: 'nest-4' })]));
      await settled(4);
      expect((await rows()).map(({ event_id }) => event_id).sort()).toEqual([
        'end',
        'nest-1',
        'nest-2',
        'nest-3',
        'nest-4',
      ]);
    } finally {
      await client.close();
    }
  });

  describe('an event of the CloudEvents SDK', () => {
    const event = (more: object = {}) =>
      new CloudEvent({
        id: 'zażółć/1',
        source: 'https://shop.example.com/ovens',
        type: 'com.example.oven.cold',
        tenantid: tenant,
        severity: 'low',
        time: '2026-01-02T03:04:05.000Z',
        data: { message: 'It is cold', celsius: 41 },
        ...more,
      });
    /**
     * The same over AMQP, which the SDK does not support: structured as the SDK writes it, binary by the specification.
     */
    const overAmqp = async (given: CloudEvent<unknown>) => {
      const { data, ...attributes } = given.toJSON();
      await stack.amqp.publish('any.key', String(HTTP.structured(given).body));
      const headers = Object.fromEntries(
        Object.entries(attributes).map(([name, value]) => [`cloudEvents:${name}`, value]),
      );
      await stack.amqp.publish('any.key', JSON.stringify(data), {
        headers: { ...headers, 'cloudEvents:time': { '!': 'timestamp', value: 1_767_323_045 } },
        contentType: 'application/json',
      });
    };

    it('is one alert for any number of repeats and any way of sending, with another trace too', async () => {
      for (const given of [event(), event({ traceparent: TRACE, tracestate: 'a=b' })]) {
        for (const message of [HTTP.structured(given), HTTP.binary(given)])
          expect(await send(message)).toMatchObject({ status: 202 });
        await overAmqp(given);
      }
      await settled(1);
      expect(await letters()).toEqual([]);
      expect((await rows())[0]).toMatchObject({
        service: 'ovens',
        occurred_at: new Date('2026-01-02T03:04:05.000Z'),
        metadata: { celsius: 41, cloudevent: { id: 'zażółć/1' } },
      });
    });

    it('is another one from another source, and keeps its trace', async () => {
      await send(HTTP.structured(event({ source: 'https://a.example.com/ovens', traceparent: TRACE })));
      await send(HTTP.binary(event({ source: 'https://b.example.com/ovens' })));
      await settled(2);
      expect((await rows()).map(({ trace_id }) => trace_id)).toContain('0af7651916cd43dd8448eb211c80319c');
    });

    it('may be one of a batch, over both', async () => {
      const batch = JSON.stringify([event({ id: '1' }), event({ id: '2' })]);
      expect(await post(batch, { 'Content-Type': 'application/cloudevents-batch+json' })).toMatchObject({
        status: 202,
        json: { ids: [expect.any(String), expect.any(String)] },
      });
      await stack.amqp.publish('any.key', batch, { contentType: 'application/cloudevents-batch+json' });
      await settled(2);
    });

    it('may be alone, and its refusal names the missing fields', async () => {
      expect(await post('[]', { 'Content-Type': 'application/cloudevents-batch+json' })).toMatchObject({
        status: 202,
        json: { ids: [] },
      });
      await stack.amqp.publish('any.key', '[]', { contentType: 'application/cloudevents-batch+json' });
      expect(await post('[]')).toMatchObject({ status: 422, json: { code: 'empty_batch' } });
      const { source: _, ...lacking } = event().toJSON();
      expect(
        await post(JSON.stringify([event(), lacking]), { 'Content-Type': 'application/cloudevents-batch+json' }),
      ).toMatchObject({
        status: 422,
        json: {
          code: 'invalid_field',
          errors: [{ pointer: '/1/source', detail: expect.stringContaining('needs the attribute source') }],
        },
      });
      await settled(0);
    });
  });

  it('is heard compressed, and a bomb is a dead letter', async () => {
    const list = JSON.stringify([alert({ id: 'a' }), alert({ id: 'b' })]);
    await stack.amqp.publish('any.key', gzipSync(list), { contentEncoding: 'gzip' });
    await stack.amqp.publish('any.key', deflateSync(JSON.stringify(alert({ id: 'c' }))), {
      contentEncoding: 'deflate',
    });
    await stack.amqp.publish('any.key', brotliCompressSync(JSON.stringify(alert({ id: 'd' }))), {
      contentEncoding: 'br',
    });
    await stack.amqp.publish('any.key', JSON.stringify(alert({ id: 'e' })), { contentEncoding: 'utf-8' });
    const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024, 32));
    expect(bomb.length).toBeLessThan(65_536);
    await stack.amqp.publish('any.key', bomb, { contentEncoding: 'gzip' });
    await settled(5);
    const [letter] = await eventually(async () => {
      const found = await stack.sql<{ body: Buffer; content_encoding: string }>(
        `select body, content_encoding from tocsin.dead_letter where reason = 'message_too_large'`,
      );
      expect(found).toHaveLength(1);
      return found;
    });
    expect(letter!.content_encoding).toBe('gzip');
    expect(letter!.body.equals(bomb)).toBe(true);
  });

  it('is stored when its letter is redriven, compressed or in binary mode, and what was stored beside it is not stored again', async () => {
    await stack.sql(
      `create function tocsin.refuse_it() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = 'data_exception'; end $$`,
    );
    await stack.sql(
      `create trigger refuse_it before insert on tocsin.event for each row when (new.title = 'unstorable') execute function tocsin.refuse_it()`,
    );
    const bad = alert({ title: 'unstorable' });
    const headers = {
      'cloudEvents:specversion': '1.0',
      'cloudEvents:id': 'x',
      'cloudEvents:source': '/ovens',
      'cloudEvents:type': 't',
      'cloudEvents:tenantid': tenant,
      'cloudEvents:severity': 'low',
    };
    // no message has an id: sent again as a whole they would be stored again
    await stack.amqp.publish('any.key', JSON.stringify([alert(), bad]));
    await stack.amqp.publish('any.key', gzipSync(JSON.stringify(bad)), { contentEncoding: 'gzip' });
    await stack.amqp.publish('any.key', gzipSync(JSON.stringify({ title: 'unstorable' })), {
      contentEncoding: 'gzip',
      headers,
    });
    const open = await eventually(async () => {
      const found = await stack.sql<{ dead_letter_id: string; body: Buffer }>(
        `select dead_letter_id, body from tocsin.dead_letter where tenant_id = $1`,
        [tenant],
      );
      expect(found).toHaveLength(3);
      return found;
    }, 30_000);
    expect(open.filter(({ body }) => body.toString().startsWith('[') || body.toString().includes('"cold"'))).toEqual(
      [],
    );
    await stack.sql('drop trigger refuse_it on tocsin.event');
    await stack.sql('drop function tocsin.refuse_it');

    for (const { dead_letter_id } of open) {
      const answer = await ask(stack.gateway.url, `/api/v1/dead-letters/${dead_letter_id}/redrive`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${operator()}` },
      });
      expect(answer).toMatchObject({ status: 200, json: { status: 'redriven' } });
    }
    await eventually(async () => expect(await rows()).toHaveLength(4));
    await settled(4);
    expect((await rows()).map(({ title }) => title).sort()).toEqual([
      'cold',
      'cold',
      'unstorable',
      'unstorable',
      'unstorable',
    ]);
  });

  it('that Tocsin cannot read is a dead letter with its name', async () => {
    await stack.amqp.publish(
      'any.key',
      JSON.stringify({ messageId: 'm', messageType: ['urn:message:Shop:OrderLate'], message: alert() }),
    );
    await eventually(async () =>
      expect(await letters()).toMatchObject([
        { reason: 'foreign_envelope', detail: expect.stringContaining('MassTransit') },
      ]),
    );
  });

  it('may ask first whether it may deliver', async () => {
    const shake = (origin: string) =>
      fetch(`${stack.gateway.url}/api/v1/events`, {
        method: 'OPTIONS',
        headers: { 'WebHook-Request-Origin': origin, 'WebHook-Request-Rate': '120' },
      });
    const granted = await shake('eventgrid.azure.net');
    expect([
      granted.status,
      granted.headers.get('webhook-allowed-origin'),
      granted.headers.get('webhook-allowed-rate'),
      granted.headers.get('allow'),
    ]).toEqual([200, 'eventgrid.azure.net', '120', 'POST']);
    const refused = await shake('evil.example');
    expect([refused.status, refused.headers.get('webhook-allowed-origin')]).toEqual([204, null]);
  });
});
