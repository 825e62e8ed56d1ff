import type { AlertPage, Entry, EntryPage } from '@tocsin/contracts/wire';
import { ask } from './kit/http';
import type { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

/** The producer's newest message about an alert, from the intakes to the screens. */
describe('the newest word of a producer', () => {
  let stack: Stack;
  beforeAll(async () => (stack = await Stack.open({ tenants: { ana: ['bakery'] } })));
  afterAll(() => stack?.close());

  const authorization = (scope?: string) => ({ Authorization: `Bearer ${tokenFor('ana', scope ? { scope } : {})}` });
  const publish = async (body: unknown) => {
    const headers = { ...authorization('events:publish'), 'Content-Type': 'application/json', Prefer: 'wait=10' };
    const answer = await ask(stack.gateway.url, '/api/v1/events?tenant=bakery&service=ovens', {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    expect([answer.status, answer.json]).toEqual([
      201,
      expect.objectContaining({ events: [expect.objectContaining({ outcome: 'stored' })] }),
    ]);
  };
  const read = async <T>(path: string) => (await ask(stack.gateway.url, path, { headers: authorization() })).json as T;
  const entryOf = async (stream: SseStream, change: string) =>
    JSON.parse((await stream.frame(({ data }) => data.includes(`"change":"${change}"`))).data) as Entry;

  it("PagerDuty's resolve ends a trigger whose clock is ahead, keeps its words, and a stream of a label hears of it", async () => {
    const stream = await stack.watch('ana', { query: { 'label.group': 'kitchen' } });
    const payload = {
      summary: 'Oven 1 is cold',
      source: 'oven-1',
      severity: 'critical',
      timestamp: new Date(Date.now() + 3_600_000).toISOString(),
      group: 'kitchen',
    };
    await publish({
      routing_key: 'samplekeyhere',
      event_action: 'trigger',
      dedup_key: 'oven-1',
      payload,
      links: [{ href: 'https://runbooks.example.com/oven', text: 'Runbook' }],
    });
    await publish({ routing_key: 'samplekeyhere', event_action: 'resolve', dedup_key: 'oven-1' });
    const words = {
      title: 'Oven 1 is cold',
      labels: { source: 'oven-1', group: 'kitchen' },
      actions: [{ label: 'Runbook', url: 'https://runbooks.example.com/oven' }],
      severity: 'urgent',
    };
    expect(await entryOf(stream, 'resolved')).toMatchObject({
      ...words,
      status: 'resolved',
      occurred_at: expect.any(String) as string,
    });
    const { alerts } = await read<AlertPage>('/api/v1/alerts?service=ovens');
    expect(alerts).toMatchObject([{ ...words, status: 'resolved' }]);
    const { events } = await read<EntryPage>('/api/v1/events?label.group=kitchen');
    expect(events.map(({ change, title }) => [change, title])).toEqual([
      ['raised', words.title],
      ['resolved', words.title],
    ]);
    stream.close();
  });

  it('what leaves a filter is heard there, live and in the log, over HTTP and AMQP', async () => {
    const stream = await stack.watch('ana', { query: { 'label.site': 'north', severity: 'urgent' } });
    const said = (second: number, more: object) => ({
      tenant_id: 'bakery',
      service: 'doors',
      dedup_key: 'd',
      severity: 'urgent',
      occurred_at: `2026-01-02T03:04:0${second}Z`,
      ...more,
    });
    await publish(said(1, { id: 'd-1', name: 'open', labels: { site: 'north' } }));
    await stack.amqp.publish('alert.low.doors', said(2, { id: 'd-2', severity: 'low', labels: { site: 'south' } }));
    // it has a queue of its own, which the urgent ones would overtake
    await stream.entry('d-2');
    await stack.amqp.publish('alert.urgent.doors', said(3, { id: 'd-3' }));
    await stack.amqp.publish('alert.urgent.doors', said(4, { id: 'd-4', labels: { site: 'north' } }));
    await stream.entry('d-4');
    const ids = stream.entries.map(({ data }) => (JSON.parse(data) as Entry).event_id);
    expect(ids).toEqual(['d-1', 'd-2', 'd-4']);
    const { events } = await read<EntryPage>('/api/v1/events?label.site=north&severity=urgent&service=doors');
    expect(events.map(({ event_id }) => event_id)).toEqual(ids);
    expect(events[1]).toMatchObject({
      name: 'open',
      title: 'Open',
      severity: 'low',
      previous: { severity: 'urgent', labels: { site: 'north' } },
    });
    const replay = await stack.watch('ana', {
      query: { 'label.site': 'north', severity: 'urgent', service: 'doors', since: '10' },
    });
    await replay.entry('d-4');
    expect(replay.entries.map(({ data }) => (JSON.parse(data) as Entry).event_id)).toEqual(ids);
    for (const open of [stream, replay]) open.close();
  });
});
