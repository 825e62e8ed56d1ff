import type { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { eventually } from '@tocsin/contracts/testing';
import { openReceiver, type Receiver } from '../apps/notifier/src/channels/webhook/testing/receiver';
import { ask } from './kit/http';
import { OtlpReceiver } from './kit/otlp-receiver';
import type { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { publisherToken, tokenFor } from './kit/tokens';

const PIPELINE = ['process', 'parse', 'store', 'announce', 'fan out', 'deliver webhook'] as const;

/** What a traced producer sends along: the span in which it publishes. */
function producer(flags = '01') {
  const [trace, span] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { trace, span, traceparent: `00-${trace}-${span}-${flags}` };
}

describe('one alert in one trace', () => {
  let collector: OtlpReceiver;
  let webhooks: Receiver;
  let stack: Stack;
  let stream: SseStream;
  let listener: Redis;
  const hints: string[] = [];

  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    webhooks = await openReceiver((response) => response.writeHead(204).end());
    stack = await Stack.open({
      tenants: { ana: ['bakery'] },
      gatewayEnvironment: collector.environment,
      processorEnvironment: { ...collector.environment, OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' },
    });
    await stack.startNotifier({ ...collector.environment, WEBHOOK_ALLOW_PRIVATE: 'on' });
    const endpoint = await ask(stack.gateway.url, '/api/v1/webhooks', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${tokenFor('ana', { scope: 'alerts:read alerts:write' })}`,
      },
      body: JSON.stringify({ tenant_id: 'bakery', url: webhooks.url }),
    });
    expect(endpoint.status).toBe(200);
    stream = await stack.watch('ana');
    listener = stack.redis.duplicate();
    listener.on('message', (_topic, text) => void hints.push(text));
    await listener.subscribe(`${stack.prefix}alerts:bakery`);
  }, 120_000);
  afterAll(async () => {
    stream?.close();
    listener?.disconnect();
    await stack?.close();
    await Promise.all([webhooks?.close(), collector?.close()]);
  }, 60_000);

  const message = (id: string) => ({
    tenant_id: 'bakery',
    service: 'oven',
    severity: 'urgent',
    title: id,
    id,
    channels: ['webhook'],
    recipients: [webhooks.url],
  });
  const rowOf = async (id: string) =>
    (
      await stack.sql<{ trace_id: string; span_id: string | null }>(
        'select trace_id, span_id from tocsin.event where event_id = $1',
        [id],
      )
    )[0]!;
  const shownTrace = async (id: string) =>
    (JSON.parse((await stream.entry(id)).data) as { trace_id: string | null }).trace_id;
  const posted = (id: string) =>
    eventually(async () => {
      const found = webhooks.received.find(({ body }) => body.includes(`"event_id":"${id}"`));
      expect(found).toBeDefined();
      return found!.headers['traceparent'];
    }, 20_000);

  it('is seen from the queue to the screen and the webhook, each span in its place', async () => {
    const { trace, span, traceparent } = producer();
    await stack.amqp.publish('alert.urgent.oven', message('by-amqp'), { headers: { traceparent } });

    expect(await shownTrace('by-amqp')).toBe(trace);
    const spans = await collector.named(trace, PIPELINE);
    const { process } = spans;
    expect(process).toMatchObject({ parent: span, service: 'tocsin-alert-processor' });
    for (const name of ['parse', 'store', 'announce', 'fan out', 'deliver webhook'] as const)
      expect([name, spans[name].parent]).toEqual([name, process.id]);
    expect([spans['fan out'].service, spans['deliver webhook'].service]).toEqual(['tocsin-gateway', 'tocsin-notifier']);
    expect(process.attributes).toMatchObject({ 'tocsin.tenant_id': 'bakery', 'tocsin.outcome': 'stored' });
    expect(spans['fan out'].attributes).toMatchObject({ 'tocsin.frames': 1 });

    expect(await rowOf('by-amqp')).toEqual({ trace_id: trace, span_id: process.id });
    expect(hints.filter((hint) => hint.includes(`"traceparent":"00-${trace}-${process.id}-01"`))).toHaveLength(1);
    expect(await posted('by-amqp')).toBe(`00-${trace}-${spans['deliver webhook'].id}-01`);
    expect(collector.ofTrace(trace)).toHaveLength(PIPELINE.length);
    expect(collector.requests[0]!.path).toBe('/v1/traces');
  });

  it('has in its trace when a client showed it, and refuses a report that is none', async () => {
    const { trace, traceparent } = producer();
    await stack.amqp.publish('alert.urgent.oven', message('shown'), { headers: { traceparent } });
    const { seq } = JSON.parse((await stream.entry('shown')).data) as { seq: number };
    const { process, 'fan out': fanOut } = await collector.named(trace, ['process', 'fan out']);
    const report = (body: object, token = tokenFor('ana')) =>
      ask(stack.gateway.url, '/api/v1/me/shown', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
    const shown = { sent_at: Date.now(), shown: [{ tenant_id: 'bakery', seq, shown_at: Date.now() }] };
    const refused = await Promise.all([
      report({ ...shown, sent_at: 'now' }),
      report({ ...shown, shown: [] }),
      report(shown, 'no'),
    ]);
    expect(refused.map(({ status, json }) => [status, json.code])).toEqual([
      [422, 'invalid_field'],
      [422, 'invalid_field'],
      [401, 'invalid_token'],
    ]);
    expect((await report(shown)).status).toBe(204);
    const span = (await collector.named(trace, ['shown'])).shown;
    expect(span.parent).toBe(process.id);
    expect(span.startedAt).toBeGreaterThanOrEqual(Math.floor(fanOut.endedAt));
    expect(await stack.gateway.metric('tocsin_publish_to_screen_seconds_count', 'part="total"')).toBe(1);
  });

  it('that is published over HTTP has the span of the request between the producer and the processor', async () => {
    const { trace, span, traceparent } = producer();
    const answer = await ask(stack.gateway.url, '/api/v1/events', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${publisherToken()}`, traceparent },
      body: JSON.stringify(message('by-http')),
    });
    expect(answer.status).toBe(202);
    const route = 'POST /api/v1/events';
    const spans = await collector.named(trace, [route, ...PIPELINE]);
    expect(spans[route]).toMatchObject({ parent: span, service: 'tocsin-gateway' });
    expect(spans[route].attributes).toMatchObject({ 'http.response.status_code': 202 });
    expect(spans.process.parent).toBe(spans[route].id);
    expect(await shownTrace('by-http')).toBe(trace);
  });

  it('that its producer does not sample has its trace id, and costs no span, no column and no header', async () => {
    const { trace, traceparent } = producer('00');
    await stack.amqp.publish('alert.urgent.oven', message('unsampled'), { headers: { traceparent } });
    expect(await shownTrace('unsampled')).toBe(trace);
    expect(await posted('unsampled')).toBeUndefined();
    expect(await rowOf('unsampled')).toEqual({ trace_id: trace, span_id: null });

    // the spans of a later one arrive, so those of this one would have
    const later = producer();
    await stack.amqp.publish('alert.urgent.oven', message('later'), { headers: { traceparent: later.traceparent } });
    await collector.named(later.trace, PIPELINE);
    expect(collector.ofTrace(trace)).toEqual([]);
  });

  it('that nothing traces yet gets a trace here, whose id its entry has', async () => {
    await stack.amqp.publish('alert.urgent.oven', message('root'));
    const trace = await shownTrace('root');
    expect((await collector.named(trace!, PIPELINE)).process.parent).toBeUndefined();
  });
});
