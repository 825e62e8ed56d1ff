import { Refused, Unavailable, type DeadLetter, type PlannedEvent } from '@tocsin/contracts';
import type { BatchMessage } from './handle-batch';
import {
  aMessage,
  bakery,
  IngestInMemory,
  settled,
  type BusInMemory,
  type LogInMemory,
} from './testing/ingest-in-memory';

describe('taking alerts in', () => {
  let played: IngestInMemory;
  let log: LogInMemory;
  let bus: BusInMemory;
  beforeEach(() => {
    played = new IngestInMemory();
    ({ log, bus } = played);
  });
  const ingest = (batch: BatchMessage[]) => played.inLanes().ingest(batch);
  const counted = (name: string, labels?: Record<string, string>) => played.counted(name, labels);

  it('puts invalid messages on record and stores the rest', async () => {
    const outcome = await ingest([
      aMessage('not json', { routing_key: 'who knows' }),
      aMessage({ id: 'a' }),
      aMessage({ tenant_id: undefined }),
      aMessage({ title: 'x'.repeat(301) }),
    ]);

    expect(outcome).toMatchObject(
      settled(
        { outcome: 'dead', reason: 'invalid_json' },
        { outcome: 'stored' },
        { outcome: 'dead', reason: 'missing_tenant' },
        { outcome: 'dead', reason: 'invalid_field' },
      ),
    );
    expect(log.letters).toMatchObject([
      { tenant_id: null, reason: 'invalid_json', body: Buffer.from('not json'), routing_key: 'who knows' },
      { tenant_id: null, reason: 'missing_tenant' },
      { tenant_id: bakery, reason: 'invalid_field', detail: expect.stringContaining('/title') as string },
    ]);
    expect(bus.hints).toHaveLength(1);
    expect(await counted('tocsin_ingest_messages_total', { result: 'dead' })).toBe(3);
  });

  it('keeps no more than 64 KiB of a dead letter', async () => {
    expect(await ingest([aMessage('x'.repeat(100_000))])).toMatchObject(
      settled({ outcome: 'dead', reason: 'message_too_large' }),
    );
    expect(log.letters[0]!.body).toHaveLength(65_536);
  });

  describe('one body that holds several messages', () => {
    const one = (more: object) => ({ tenant_id: bakery, service: 'inventory', severity: 'low', ...more });
    const bodies = () =>
      log.letters.map(({ body, message_id, reason }) => [reason, message_id, JSON.parse(body.toString()) as unknown]);

    it('has a letter for each that is refused, with it alone', async () => {
      const [bad, worse] = [one({ id: 'bad', title: 'x'.repeat(301) }), one({ tenant_id: undefined, id: 'worse' })];
      expect(
        await ingest([aMessage(JSON.stringify([one({ id: 'a' }), bad, worse]), { message_id: 'm' })]),
      ).toMatchObject(settled({ outcome: 'dead' }));
      expect(log.stored.map(({ message }) => message.id)).toEqual(['a']);
      expect(bodies()).toEqual([
        ['invalid_field', 'm/1', bad],
        ['missing_tenant', 'm/2', JSON.parse(JSON.stringify(worse))],
      ]);
    });

    it('has one for each that the event log refuses', async () => {
      await ingest([aMessage({ id: 'a' })]);
      const other = one({ id: 'a', severity: 'urgent', title: 'another' });
      log.trouble = (planned) =>
        planned.some(({ message }) => message.title === 'unstorable')
          ? new Refused('store_failed', 'refused')
          : undefined;
      const unstorable = one({ title: 'unstorable' });
      await ingest([aMessage(JSON.stringify([other, unstorable, one({})]), { message_id: 'm' })]);
      // as it was read: the severity in the routing key is the higher one
      expect(bodies()).toMatchObject([
        ['id_conflict', 'm/0', other],
        ['store_failed', 'm/1', { ...unstorable, severity: 'urgent', id: 'm/1' }],
      ]);
      expect(log.stored.map(({ message }) => message.id)).toEqual(['a', 'm/2']);
      // sent again alone, it is the same message, and none of the others comes with it
      log.trouble = () => undefined;
      const { body, message_id } = log.letters[1]!;
      expect(await ingest([aMessage(body.toString(), { message_id: message_id! })])).toEqual(
        settled({ outcome: 'stored' }),
      );
      expect(log.stored.map(({ message }) => message.id)).toEqual(['a', 'm/2', 'm/1']);
    });

    it('of a webhook that came over AMQP as well', async () => {
      const alert = (labels: object, fingerprint: string) => ({
        status: 'firing',
        labels: { alertname: 'A', ...labels },
        annotations: {},
        startsAt: '2026-01-02T03:04:05Z',
        fingerprint,
      });
      await ingest([
        aMessage(
          JSON.stringify({
            version: '4',
            groupKey: '{}',
            alerts: [alert({ tenant_id: bakery }, 'f'), alert({ tenant_id: 'a b' }, 'g')],
          }),
          { message_id: 'm' },
        ),
      ]);
      expect(log.stored).toHaveLength(1);
      expect(bodies()).toMatchObject([['invalid_field', 'm/1', { dedup_key: 'g', tenant_id: 'a b' }]]);
    });

    it('may hold none: an empty batch of CloudEvents leaves nothing', async () => {
      expect(await ingest([aMessage('[]', { content_type: 'application/cloudevents-batch+json' })])).toEqual(
        settled({ outcome: 'stored' }),
      );
      expect([log.stored, log.letters]).toEqual([[], []]);
    });
  });

  it('keeps with a dead letter what its redrive has to send', async () => {
    const headers = {
      'cloudEvents:id': 'e',
      'cloudEvents:time': { '!': 'timestamp', value: 7 },
      traceparent: '00-a',
      'x-death': [{ reason: 'expired' }],
      host: 'a',
    };
    await ingest([aMessage('no gzip', { content_encoding: 'gzip', headers })]);
    expect(log.letters).toMatchObject([
      { reason: 'invalid_encoding', body: Buffer.from('no gzip'), content_encoding: 'gzip' },
    ]);
    expect(log.letters[0]!.headers).toEqual({
      'cloudEvents:id': 'e',
      'cloudEvents:time': { '!': 'timestamp', value: 7 },
      traceparent: '00-a',
    });
  });

  it('takes the same id with another body for a conflict, not for a duplicate', async () => {
    await ingest([aMessage({ id: 'a' })]);
    expect(await ingest([aMessage({ id: 'a', title: 'another' })])).toMatchObject(
      settled({ outcome: 'dead', reason: 'id_conflict' }),
    );
    expect(log.letters).toMatchObject([{ tenant_id: bakery, reason: 'id_conflict' }]);
    expect(bus.hints).toHaveLength(1);
  });

  describe('of a delivery that holds several', () => {
    const alert = (fingerprint: string, more: object = {}) => ({
      status: 'firing',
      labels: { alertname: 'Cold', tenant_id: bakery },
      annotations: {},
      startsAt: '2026-01-02T03:04:05Z',
      fingerprint,
      ...more,
    });
    const group = (...alerts: unknown[]) => JSON.stringify({ version: '4', groupKey: '{}', alerts });
    const broken = alert('broken', {
      labels: {
        alertname: 'Cold',
        tenant_id: bakery,
        service: 's',
        severity: 'critical',
        ...Object.fromEntries(Array.from({ length: 2 }, (_, i) => [`l${i}`, 'x'])),
      },
      startsAt: '2026-01-02T03:04:05Z',
    });
    /** As a redrive publishes it. */
    const again = ({ body, routing_key, message_id }: DeadLetter): BatchMessage => ({
      body,
      routing_key: routing_key ?? '',
      message_id: message_id ?? 'dead-letter-1',
      redelivered: false,
    });

    it('keeps each that is refused in a letter of its own, which brings back nothing else', async () => {
      const refusedOnce = jest.fn((planned: readonly PlannedEvent[]) =>
        planned.some(({ message }) => message.dedup_key === 'broken') ? new Refused('store_failed', 'no') : undefined,
      );
      log.trouble = refusedOnce;
      const received = aMessage(group(alert('good'), broken, alert('nobodys', { labels: {} }), alert('fine')), {
        routing_key: 'monitoring',
        message_id: 'm',
      });
      expect(await ingest([received])).toMatchObject(settled({ outcome: 'dead' }));
      expect(log.stored.map(({ message }) => message.dedup_key)).toEqual(['good', 'fine']);
      expect(log.letters.map(({ reason, tenant_id, message_id }) => [reason, tenant_id, message_id]).sort()).toEqual([
        ['missing_tenant', null, 'm/2'],
        ['store_failed', bakery, 'm/1'],
      ]);
      for (const { body } of log.letters) expect(body.toString()).not.toMatch(/good|fine/);

      log.trouble = () => undefined;
      const [letter] = log.letters.filter(({ reason }) => reason === 'store_failed') as [DeadLetter];
      expect(await ingest([again(letter)])).toEqual(settled({ outcome: 'stored' }));
      expect(await ingest([again(letter)])).toEqual(settled({ outcome: 'duplicate' }));
      expect(log.stored.map(({ message }) => message.dedup_key)).toEqual(['good', 'fine', 'broken']);
      expect(log.stored[2]!.message).toMatchObject({
        service: 's',
        severity: 'urgent',
        labels: { l0: 'x', l1: 'x' },
        occurred_at: '2026-01-02T03:04:05.000Z',
      });
    });

    it('makes the same ids of the same delivery, so that one that comes again whole stores nothing again', async () => {
      const received = aMessage(group(alert('good'), alert('fine')), { routing_key: 'monitoring', message_id: 'm' });
      expect(await ingest([received])).toEqual(settled({ outcome: 'stored' }));
      expect(await ingest([{ ...received, redelivered: true }])).toEqual(settled({ outcome: 'duplicate' }));
      expect(log.stored).toHaveLength(2);
    });
  });

  it('gives the batch back when its dead letters cannot be put on record; what was stored is a duplicate the next time', async () => {
    log.buryTrouble = () => new Unavailable('log', 'away');
    const batch = [aMessage({ id: 'a' }), aMessage('not json')];
    expect(await ingest(batch)).toMatchObject({ kind: 'retry' });

    log.buryTrouble = () => undefined;
    expect(await ingest(batch)).toMatchObject(
      settled({ outcome: 'duplicate' }, { outcome: 'dead', reason: 'invalid_json' }),
    );
    expect(log.stored).toHaveLength(1);
  });

  it('lets a dead letter go that the event log refuses, and keeps the others on record', async () => {
    log.buryTrouble = (letters) =>
      letters.some(({ routing_key }) => routing_key === 'odd') ? new Refused('store_failed', 'no') : undefined;
    const outcome = await ingest([aMessage('1'), aMessage('2', { routing_key: 'odd' }), aMessage('3')]);
    expect(outcome).toMatchObject(settled({ outcome: 'dead' }, { outcome: 'dead' }, { outcome: 'dead' }));
    expect(log.letters.map(({ body }) => body.toString())).toEqual(['1', '3']);
  });

  it('puts on record what the queue gave up, without reading it, and counts it separately', async () => {
    const outcome = await ingest([{ ...aMessage({ id: 'a' }), given_up: 'delivery_limit' }]);
    expect(outcome).toMatchObject(settled({ outcome: 'dead', reason: 'delivery_limit' }));
    expect(log.letters).toMatchObject([
      { tenant_id: null, reason: 'delivery_limit', routing_key: 'alert.urgent.inventory' },
    ]);
    expect(log.batches).toHaveLength(0);
    expect(await counted('tocsin_ingest_messages_total', { result: 'delivery_limit' })).toBe(1);
    expect(await counted('tocsin_ingest_messages_total', { result: 'dead' })).toBe(0);
  });
});
