import { eventually } from '@tocsin/contracts/testing';
import type { Ask } from '../kit/http';
import type { Stack } from '../kit/stack';
import { AskedWrongly, bearer, expectProblem, message, token } from './asked-wrongly';

describe('bad input', () => {
  let asked: AskedWrongly;
  let stack: Stack;
  let answerTo: AskedWrongly['answerTo'];
  let listening: AskedWrongly['listening'];

  beforeAll(async () => {
    asked = await AskedWrongly.open();
    ({ stack, answerTo, listening } = asked);
  });
  afterAll(() => asked?.close());

  describe('in a published message', () => {
    const publish = (body: unknown, headers: Ask['headers'] = {}) =>
      answerTo('/api/v1/events', {
        method: 'POST',
        headers: { ...bearer(token({ scope: 'events:publish' })), 'Content-Type': 'application/json', ...headers },
        body: Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body),
      });
    const deep = (levels: number): unknown => (levels === 0 ? 1 : { in: deep(levels - 1) });
    let before = 0;
    beforeAll(async () => {
      await stack.stored(0);
      before = (await stack.rows()).length;
    });

    it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
      'the content type %j is 415',
      async (type) => {
        expectProblem(await publish(message(), { 'Content-Type': type }), 415, 'unsupported_media_type');
      },
    );

    it('no content type is 415', async () => {
      const answer = await answerTo('/api/v1/events', {
        method: 'POST',
        headers: bearer(token({ scope: 'events:publish' })),
        body: JSON.stringify(message()),
      });
      expectProblem(answer, 415, 'unsupported_media_type');
    });

    const bodies: [string, () => unknown, number, string][] = [
      ['nothing', () => '', 400, 'invalid_json'],
      ['no JSON', () => '{"tenant_id": ', 400, 'invalid_json'],
      ['a number', () => '1', 400, 'invalid_json'],
      ['null', () => 'null', 400, 'invalid_json'],
      ['bytes that are not UTF-8', () => Buffer.from('7b2261223a22ff227d', 'hex'), 400, 'invalid_utf8'],
      ['20 levels', () => message({ metadata: deep(20) }), 400, 'too_deep'],
      ['60,000 brackets', () => '['.repeat(30_000) + ']'.repeat(30_000), 400, 'too_deep'],
      ['100,000 brackets', () => '['.repeat(50_000) + ']'.repeat(50_000), 413, 'message_too_large'],
      ['a NUL', () => message({ title: 'a\u0000b' }), 422, 'control_characters'],
      ['an escape sequence', () => message({ message: '\u001b[2J' }), 422, 'control_characters'],
      [
        'half a surrogate pair',
        () => '{"tenant_id":"bakery","service":"inventory","severity":"low","title":"\\ud800"}',
        422,
        'control_characters',
      ],
      ['no tenant', () => ({ ...message(), tenant_id: undefined }), 422, 'missing_tenant'],
      ['no service', () => ({ ...message(), service: undefined }), 422, 'missing_service'],
      ['no severity', () => ({ ...message(), severity: undefined }), 422, 'invalid_field'],
      ['65 KiB', () => message({ message: 'x', metadata: { blob: 'x'.repeat(65_536) } }), 413, 'message_too_large'],
      ['an empty list', () => [], 422, 'empty_batch'],
      ['501 messages', () => Array.from({ length: 501 }, () => message()), 413, 'batch_too_large'],
      ['9 MiB', () => JSON.stringify(message({ message: 'x'.repeat(9 * 1024 * 1024) })), 413, 'body_too_large'],
    ];
    it.each(bodies)('%s', async (_, body, status, code) => {
      expectProblem(await publish(body()), status, code);
    });

    const fields: [string, unknown, string][] = [
      ['tenant_id', 'a b', '/tenant_id'],
      ['tenant_id', '../x', '/tenant_id'],
      ['tenant_id', 'x'.repeat(65), '/tenant_id'],
      ['tenant_id', 5, '/tenant_id'],
      ['service', 'a/b', '/service'],
      ['severity', 'loud', '/severity'],
      ['status', 'melting', '/status'],
      ['id', 'x'.repeat(201), '/id'],
      ['id', 'ü', '/id'],
      ['name', 'low stock', '/name'],
      ['title', 'x'.repeat(301), '/title'],
      ['title', 'a\nb', '/title'],
      ['message', 'x'.repeat(8_001), '/message'],
      ['occurred_at', 'yesterday', '/occurred_at'],
      ['occurred_at', '2026-02-30T00:00:00Z', '/occurred_at'],
      ['labels', { a: { b: 1 } }, '/labels'],
      ['labels', Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, 'v'])), '/labels'],
      ['actions', Array.from({ length: 11 }, () => ({ label: 'Order' })), '/actions'],
      ['actions', [{ label: 'Order', url: 'javascript:alert(1)' }], '/actions/0/url'],
      ['recipients', Array.from({ length: 101 }, () => 'a@example.test'), '/recipients'],
      ['channels', ['pigeon'], '/channels'],
      ['metadata', [1], '/metadata'],
      ['schema_version', 2, '/schema_version'],
    ];
    it.each(fields)('%s %j is 422 invalid_field, with a pointer', async (name, value, pointer) => {
      const answer = await publish(message({ [name]: value }));
      expectProblem(answer, 422, 'invalid_field');
      expect(answer.json.errors).toContainEqual(expect.objectContaining({ pointer, code: 'invalid_field' }));
    });

    it('a field that nobody knows is 422 unknown_field, with the nearest name', async () => {
      const answer = await publish(message({ sevrity: 'high' }));
      expectProblem(answer, 422, 'unknown_field');
      expect(answer.json.errors).toEqual([
        expect.objectContaining({ pointer: '/sevrity', detail: expect.stringContaining('"severity"') as string }),
      ]);
    });

    it.each(['__proto__', 'constructor', 'prototype'])('%s is a field like any other, and unknown', async (name) => {
      expectProblem(
        await publish(`{"tenant_id":"bakery","service":"inventory","severity":"low","${name}":{"isAdmin":true}}`),
        422,
        'unknown_field',
      );
    });

    it('a resolved message without a key, and a key without a time, are 422', async () => {
      const [unkeyed, untimed] = [
        await publish(message({ status: 'resolved' })),
        await publish(message({ dedup_key: 'flour' })),
      ];
      expectProblem(unkeyed, 422, 'invalid_field');
      expect(unkeyed.json.errors?.[0]?.pointer).toBe('/dedup_key');
      expectProblem(untimed, 422, 'invalid_field');
      expect(untimed.json.errors?.[0]?.pointer).toBe('/occurred_at');
    });

    it('one bad message of a list refuses the list, and says which', async () => {
      const answer = await publish([message(), message({ severity: 'loud' }), message({ tenant_id: undefined })]);
      expect(answer.status).toBe(422);
      expect(answer.json.errors?.map(({ pointer }) => pointer)).toEqual(['/1/severity', '/2/tenant_id']);
    });

    it('another method is 405', async () => {
      const answer = await answerTo('/api/v1/events', {
        method: 'PUT',
        headers: bearer(token({ scope: 'events:publish' })),
      });
      expectProblem(answer, 405, 'method_not_allowed');
      expect(answer.headers.allow).toBe('GET, HEAD, POST');
    });

    it('of all that, nothing was published', async () => {
      const { id, ...rest } = message();
      expect((await publish({ id, ...rest })).status).toBe(202);
      await stack.stored(before + 1);
      expect(await stack.rows()).toHaveLength(before + 1);
      expect(await stack.amqp.takeDead()).toEqual([]);
    });
  });

  describe('over AMQP', () => {
    const dead: [string, string, string | Buffer, string][] = [
      ['no JSON', 'alert.low.inventory', 'not json', 'invalid_json'],
      ['no UTF-8', 'alert.low.inventory', Buffer.from([0xff, 0xfe]), 'invalid_utf8'],
      [
        'too deep',
        'alert.low.inventory',
        JSON.stringify(message({ metadata: JSON.parse('{"a":'.repeat(20) + '1' + '}'.repeat(20)) as unknown })),
        'too_deep',
      ],
      [
        'too large',
        'alert.low.inventory',
        JSON.stringify(message({ metadata: { blob: 'x'.repeat(65_536) } })),
        'message_too_large',
      ],
      ['no tenant', 'alert.low.inventory', '{"severity":"low"}', 'missing_tenant'],
      ['no service', 'some.key', '{"tenant_id":"bakery","severity":"low"}', 'missing_service'],
      [
        'a limit broken',
        'alert.low.inventory',
        JSON.stringify(message({ message: 'x'.repeat(8_001) })),
        'invalid_field',
      ],
    ];

    it.each(dead)(
      '%s becomes a dead letter with its reason, in the queue and on record',
      async (_, key, body, reason) => {
        await stack.amqp.publish(key, body);
        const [letter] = await eventually(async () => {
          const letters = await stack.amqp.takeDead();
          if (letters.length === 0) throw new Error('alerts.dead is empty');
          return letters;
        });
        expect(letter!.content.equals(Buffer.from(body))).toBe(true);
        expect(letter!.properties.headers).toMatchObject({ reason });
        const rows = await stack.sql<{ reason: string; routing_key: string }>(
          'select reason, routing_key from tocsin.dead_letter order by dead_letter_id desc limit 1',
        );
        expect(rows).toEqual([{ reason, routing_key: key }]);
      },
    );

    it('an unknown field, an unknown severity and a type of its own are kept and shown: a silent bell would be worse', async () => {
      const stream = await listening();
      await stack.amqp.publish(
        'alert.low.inventory',
        message({ id: 'odd-1', severity: 'loud', colour: 'red', type: 'oven_cold', name: undefined }),
      );
      const { data } = await stream.entry('odd-1');
      expect(JSON.parse(data)).toMatchObject({ severity: 'low', name: 'oven_cold', metadata: { colour: 'red' } });
      stream.close();
    });
  });

  it('no answer and no log tells of what is inside: no stack, no SQL, no address, no secret', () => {
    asked.expectNothingTold(50);
  });
});
