import { CHANGES, renderData, type TenantId } from '@tocsin/contracts';
import { anEntry } from '@tocsin/contracts/testing';
import { readPlain } from './read-plain';

const NORTH = 'north' as TenantId;
const read = (value: unknown, service?: string) =>
  readPlain(
    {
      topic: 'alerts:north',
      tenant_id: NORTH,
      body: Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    },
    service,
  );
const lettersOf = (value: unknown, service?: string) =>
  read(value, service)!.letters.map(({ tenant_id, reason }) => [tenant_id, reason]);

describe('a plain message', () => {
  it('is read as one from the queue, also under the names of others, and gets the tenant of its topic', () => {
    const { messages, letters } = read({ source: 'oven', priority: 'P1', summary: 'Cold', colour: 'red' })!;
    expect(letters).toEqual([]);
    expect(messages).toEqual([
      expect.objectContaining({
        tenant_id: 'north',
        service: 'oven',
        severity: 'urgent',
        title: 'Cold',
        metadata: { colour: 'red' },
      }),
    ]);
  });

  it('may be a list, or the webhook of another system', () => {
    const list = [
      { service: 'a', title: 'one' },
      { service: 'b', title: 'two' },
    ];
    expect(read(list)!.messages.map(({ title }) => title)).toEqual(['one', 'two']);
    const event = { specversion: '1.0', id: '7', source: 'oven', type: 'oven.cold', data: { title: 'Cold' } };
    expect(read(event)!.messages).toEqual([expect.objectContaining({ tenant_id: 'north', service: 'oven' })]);
  });

  it('without an id has one of its own each time; with a time it has the same', () => {
    const idOf = (value: unknown) => read(value)!.messages[0]!.id;
    const bare = { service: 'oven', title: 'Cold' };
    expect(idOf(bare)).not.toBe(idOf(bare));
    const timed = { ...bare, occurred_at: '2026-01-02T03:04:05Z' };
    expect(idOf(timed)).toBe(idOf(timed));
    expect(idOf({ ...bare, event_id: 'e-1' })).toBe('e-1');
  });

  it('without a service has the one that is set, if one is', () => {
    expect(read({ title: 'Cold' }, 'legacy')!.messages[0]!.service).toBe('legacy');
    expect(read({ title: 'Cold', service: 'oven' }, 'legacy')!.messages[0]!.service).toBe('oven');
    expect(lettersOf({ title: 'Cold' })).toEqual([['north', 'missing_service']]);
  });

  it.each([
    ['no JSON', 'ping', 'invalid_json'],
    ['no object', '7', 'invalid_json'],
    ['not UTF-8', Buffer.from([0xff, 0xfe]), 'invalid_utf8'],
    ['too large', `{"service":"oven","title":"${'x'.repeat(70_000)}"}`, 'message_too_large'],
    ['of too long a text', { service: 'oven', title: 'x'.repeat(301) }, 'invalid_field'],
  ])('that is %s is a dead letter of the topic’s tenant', (_what, value, reason) =>
    expect(lettersOf(value)).toEqual([['north', reason]]),
  );

  it('for another tenant than that of its topic is a dead letter that only operators see', () => {
    expect(lettersOf({ tenant_id: 'south', service: 'oven', title: 'Cold' })).toEqual([[null, 'tenant_forbidden']]);
    expect(lettersOf({ tenant_id: 'south', title: 'Cold' })).toEqual([[null, 'tenant_forbidden']]);
    expect(
      read([
        { tenant_id: 'south', service: 'a' },
        { service: 'a', title: 'of the north' },
      ]),
    ).toMatchObject({
      messages: [{ tenant_id: 'north' }],
      letters: [{ tenant_id: null }],
    });
  });

  it('of PagerDuty is of the tenant of its topic, as its end is, which can name none', () => {
    const custom_details = { tenant_id: 'south' };
    const payload = { summary: 'Cold', source: 'oven', severity: 'error', custom_details };
    const event = { routing_key: 'k', dedup_key: 'oven', event_action: 'trigger', payload };
    const { messages } = read([event, { ...event, event_action: 'resolve', payload: undefined }])!;
    expect(messages.map(({ tenant_id, status }) => [tenant_id, status])).toEqual([
      ['north', 'firing'],
      ['north', 'resolved'],
    ]);
  });

  it('keeps the whole body, or the part of a group, in its dead letter', () => {
    expect(read('ping')!.letters[0]!.body.toString()).toBe('ping');
  });
});

describe('an entry of a log', () => {
  it.each(CHANGES)('(%s) is never read, so that what Tocsin publishes cannot come back', (change) => {
    expect(read(renderData(anEntry({ change })))).toBeUndefined();
  });

  it('is recognised when it is larger than a message may be, and when another program wrote it anew', () => {
    const large = anEntry({ metadata: { text: 'x'.repeat(100_000) } });
    expect(read(renderData(large))).toBeUndefined();
    expect(read(JSON.stringify({ relayed: true, ...JSON.parse(renderData(anEntry())) }, null, 2))).toBeUndefined();
  });

  it('is not a message that only mentions an alert', () => {
    expect(read({ service: 'oven', title: '"alert_id"', alert_id: 'a-1' })!.messages).toHaveLength(1);
    expect(read('"alert_id"')!.letters).toHaveLength(1);
  });
});
