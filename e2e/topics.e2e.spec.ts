import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import { SseStream, type OpenOptions } from './kit/sse-client';
import { Stack } from './kit/stack';
import { publisherToken, tokenFor } from './kit/tokens';

describe('topics', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.open({ tenants: { ana: ['alpha', 'beta'], ben: ['beta'], eva: ['alpha'] }, gateways: 2 });
  }, 60_000);
  afterAll(() => stack?.close(), 60_000);

  const address = (topic: string, gateway = stack.gateway) => `${gateway.url}/api/v1/topics/${topic}/events`;
  const publish = (topic: string, body: object, gateway = stack.gateway, token = publisherToken()) =>
    ask(gateway.url, `/api/v1/topics/${topic}/events`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
  const listen = async (topic: string, options: OpenOptions = {}, user = 'ana', gateway = stack.gateway) => {
    const { headers, ...rest } = options;
    const stream = await SseStream.open(address(topic, gateway), {
      headers: { Authorization: `Bearer ${tokenFor(user)}`, ...headers },
      ...rest,
    });
    await stream.frame('connection');
    return stream;
  };
  const heard = (stream: SseStream) => stream.frames.filter(({ event }) => event === 'message').map(({ data }) => data);

  it('bring what was published on any gateway to the listeners of every gateway, and to those of no other topic', async () => {
    const [first, second] = [await listen('alpha'), await listen('alpha', {}, 'ana', stack.gateways[1])];
    const other = await listen('beta', {}, 'ben');
    const { status, json } = await publish('alpha', { data: { msg: 'hello', lines: 'a\nb' } }, stack.gateways[1]);
    expect([status, json]).toEqual([
      202,
      { topic: 'alpha', id: expect.any(String), data: { msg: 'hello', lines: 'a\nb' } },
    ]);
    for (const data of [[1, 2], 'text', 0, null]) await publish('alpha', { data });
    for (const stream of [first, second]) {
      await eventually(() => expect(heard(stream)).toHaveLength(5));
      expect(
        heard(stream)
          .map((data) => JSON.parse(data))
          .sort(),
      ).toEqual([{ msg: 'hello', lines: 'a\nb' }, [1, 2], 'text', 0, null].sort());
    }
    await publish('beta', { data: 'of beta' });
    await eventually(() => expect(heard(other)).toEqual(['"of beta"']));
    for (const stream of [first, second, other]) {
      expect(stream.faults).toEqual([]);
      stream.close();
    }
  });

  it('are resumed by Last-Event-ID where the client was, on another gateway, and an event sent twice is one', async () => {
    const stream = await listen('alpha');
    await publish('alpha', { data: 1, id: 'r-1' });
    await eventually(() => expect(heard(stream)).toHaveLength(1));
    const { cursor } = stream;
    stream.close();
    for (const data of [2, 3]) {
      await publish('alpha', { data, id: `r-${data}` });
      await eventually(async () =>
        expect(await stack.sql('select 1 from tocsin.event where event_id = $1', [`r-${data}`])).toHaveLength(1),
      );
    }
    await publish('alpha', { data: 3, id: 'r-3' });
    const again = await listen('alpha', { cursor }, 'ana', stack.gateways[1]);
    await publish('alpha', { data: 4 });
    await eventually(() => expect(heard(again)).toEqual(['2', '3', '4']));
    again.close();
    const newest = await listen('alpha', { query: { since: '2' } });
    await eventually(() => expect(heard(newest)).toEqual(['3', '4']));
    newest.close();
  });

  it('do not weaken the alerts of the same tenant: nothing rings, nothing is open, and no alert is in a topic', async () => {
    const [topic, alerts] = [await listen('beta', {}, 'ben'), await stack.watch('ben')];
    await publish('beta', { data: 'chatter', id: 'c-1' });
    await stack.amqp.publish('alert.high.oven', {
      tenant_id: 'beta',
      id: 'cold',
      title: 'Cold',
      metadata: { data: 1 },
    });
    await alerts.entry('cold');
    await alerts.entry('c-1');
    await eventually(() => expect(heard(topic)).toEqual(['"chatter"']));
    const entries = alerts.entries.map(({ event, data }) => [event, JSON.parse(data).event_id]);
    expect(entries.sort()).toEqual([
      ['alert_update', 'c-1'],
      ['notification', 'cold'],
    ]);
    const open = await ask(stack.gateway.url, '/api/v1/alerts?status=firing', {
      headers: { Authorization: `Bearer ${tokenFor('ben')}` },
    });
    expect((open.json.alerts as { service: string }[]).map(({ service }) => service)).toEqual(['oven']);
    expect(await stack.sql('select 1 from tocsin.delivery')).toEqual([]);
    topic.close();
    alerts.close();
  });

  it('have the rights of their tenants', async () => {
    const stream = (topic: string, token?: string) =>
      ask(stack.gateway.url, `/api/v1/topics/${topic}/events`, {
        headers: { ...(token && { Authorization: `Bearer ${token}` }), Accept: 'text/event-stream' },
      });
    expect((await stream('alpha', tokenFor('ben'))).status).toBe(403);
    expect((await stream('alpha')).status).toBe(401);
    const code = async (topic: string, body: object, token?: string) =>
      (await publish(topic, body, stack.gateway, token)).json.code as string;
    expect(await code('alpha', { data: 1 }, tokenFor('ben'))).toBe('insufficient_scope');
    expect(await code('no%20tenant', { data: 1 })).toBe('tenant_forbidden');
    expect(await code('alpha', { dat: 1 })).toBe('unknown_field');
    const put = await ask(stack.gateway.url, '/api/v1/topics/alpha/events', { method: 'PUT' });
    expect([put.status, put.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
  });

  it('have the limits of streams: an EventSource too many is told in a stream to come back', async () => {
    const gateway = await stack.startGateway({ STREAMS_PER_USER: '1' });
    const first = await listen('alpha', {}, 'eva', gateway);
    const second = await ask(gateway.url, '/api/v1/topics/alpha/events', {
      headers: { Authorization: `Bearer ${tokenFor('eva')}`, Accept: 'text/event-stream' },
    });
    expect([second.status, second.headers['tocsin-refused']]).toEqual([200, 'too_many_streams']);
    expect(second.text).toMatch(/^retry: \d+$/m);
    expect(second.text).toMatch(/^event: close$/m);
    expect(JSON.parse(/^data: (.*)$/m.exec(second.text)![1]!)).toMatchObject({
      reason: 'too_many_streams',
      action: 'reconnect',
    });
    first.close();
  });
});
