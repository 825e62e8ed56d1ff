import { MAX_MESSAGE_BYTES, parseMessages, publishedForm, routingKeyOf, type AlertMessage } from '@tocsin/messages';
import fc from 'fast-check';
import type { PublishRequest } from './read-events';
import { oddRequests, taken } from './testing/odd-bodies';

/** The message as the processor reads it from the queue. */
const fromTheQueue = (message: AlertMessage) =>
  parseMessages(publishedForm(message), {
    routing_key: routingKeyOf(message),
    message_id: message.id,
    timestamp: 1_767_323_045,
    headers: {},
  }).messages;

const own = (more: object) => ({
  body: Buffer.from(JSON.stringify({ tenant_id: 't', service: 's', severity: 'low', id: 'i', ...more })),
  headers: {},
  query: {},
});
const raw = (body: string) => ({ body: Buffer.from(body), headers: {}, query: {} });
const alerts = (...given: object[]) =>
  raw(
    JSON.stringify({
      version: '4',
      groupKey: '{}',
      receiver: 'r',
      alerts: given.map((more) => ({
        status: 'firing',
        labels: { tenant_id: 't' },
        startsAt: '2026-01-02T03:04:05Z',
        fingerprint: 'f',
        ...more,
      })),
    }),
  );
const deep = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`);
const ofSize = (bytes: number) => {
  const bare = own({ metadata: { x: '' } }).body.length;
  return own({ metadata: { x: 'x'.repeat(bytes - bare) } });
};

describe('what the intake accepts is what the processor stores', () => {
  it.each(Array.from({ length: 100 }, (_, index) => 65_437 + index))('a message of %d bytes', async (bytes) => {
    const request = ofSize(bytes);
    expect(request.body).toHaveLength(bytes);
    for (const message of await taken(request)) expect(fromTheQueue(message)).toMatchObject([{ ok: true }]);
  });

  it.each<[string, PublishRequest, number]>([
    ['a small one', own({}), 1],
    [
      'one that is small once its blanks are gone',
      raw(`{"tenant_id":"t","service":"s","severity":"low","metadata":{"a":${' '.repeat(60_000)}1}}`),
      1,
    ],
    [
      'numbers that grow when they are written anew',
      raw(`{"tenant_id":"t","service":"s","severity":"low","metadata":{"n":[${'1e20,'.repeat(4_000)}1]}}`),
      0,
    ],
    [
      'numbers that do not',
      raw(`{"tenant_id":"t","service":"s","severity":"low","metadata":{"n":[${'1e21,'.repeat(4_000)}1]}}`),
      1,
    ],
    ['an unknown word beside its name, nested as deeply as metadata may be', own({ title: 'a', summary: deep(16) }), 1],
    ['metadata of 16 levels', own({ metadata: deep(16) }), 1],
    ['metadata of 16 levels, in a list', raw(`[${own({ metadata: deep(16) }).body.toString()}]`), 1],
    [
      'a group with an annotation of 57,000 characters',
      alerts({ annotations: { description: 'x'.repeat(57_000) } }, {}),
      2,
    ],
    [
      'a single alert with annotations of 300,000 bytes',
      alerts({ annotations: { a: '€'.repeat(50_000), b: '🔥'.repeat(37_000) } }),
      1,
    ],
    [
      'an alert with a label of every size',
      alerts({
        labels: {
          tenant_id: 't',
          ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}${'k'.repeat(i * 4)}`, '€'.repeat(i * 20)])),
        },
      }),
      1,
    ],
    ['a title of blanks around a word', own({ title: '  Flour  ' }), 1],
    ['a name that ends with a low line', own({ name: 'low_stock_' }), 1],
    ['a label map that is a list', own({ labels: ['a'] }), 0],
  ])('%s', async (_, request, count) => {
    const messages = await taken(request);
    expect(messages).toHaveLength(count);
    for (const message of messages) {
      const [parsed, ...others] = fromTheQueue(message);
      expect([others, parsed]).toMatchObject([[], { ok: true }]);
      if (parsed!.ok)
        expect(JSON.parse(JSON.stringify(parsed!.message))).toEqual(JSON.parse(publishedForm(message).toString()));
    }
  });

  it('says in the metadata what it has cut', async () => {
    const [message] = (await taken(alerts({ annotations: { summary: 'Cold', description: 'x'.repeat(60_000) } }))) as [
      AlertMessage,
    ];
    expect(message).toMatchObject({
      title: 'Cold',
      message: expect.stringMatching(/^x{7999}…$/) as string,
      metadata: {
        annotations: { summary: 'Cold', description: expect.stringMatching(/^x{7999}…$/) as string },
        shortened: ['/annotations/description'],
      },
    });
    expect(publishedForm(message).length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    expect(
      (await taken(alerts({ annotations: { summary: 'Cold', description: 'x'.repeat(9_000) } })))[0]!.metadata,
    ).not.toHaveProperty('shortened');
  });

  it('any message stays the same, and is never a dead letter', async () => {
    const counts = { taken: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(oddRequests, async (request) => {
        const messages = await taken(request);
        counts[messages.length > 0 ? 'taken' : 'refused'] += 1;
        for (const message of messages) {
          const [parsed, ...others] = fromTheQueue(message);
          expect(others).toEqual([]);
          if (!parsed!.ok) throw new Error(`${JSON.stringify(parsed)}\n${publishedForm(message).toString()}`);
          expect(JSON.parse(JSON.stringify(parsed!.message))).toEqual(JSON.parse(publishedForm(message).toString()));
        }
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(counts.taken, counts.refused)).toBeGreaterThan(100);
  });
});
