import fc from 'fast-check';
import { Refused, type TenantId } from '@tocsin/contracts';
import { publishedForm, type AlertMessage } from '@tocsin/messages';
import { readTopicEvent } from './topic-event';

const MAX_BYTES = 65_536;
const ALPHA = 'alpha' as TenantId;
const read = (body: unknown, maxBytes = MAX_BYTES) =>
  readTopicEvent(ALPHA, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), maxBytes);
const refusal = (body: unknown): unknown => {
  try {
    return read(body);
  } catch (error) {
    return error instanceof Refused ? [error.code, error.details.errors?.[0]?.pointer] : error;
  }
};

const short = (number: number): number => Math.trunc(number % 1e6) / 8 || 0;

describe('an event of a topic', () => {
  it.each([
    [{ msg: 'hello' }],
    [[1, 'two', { three: null }]],
    ['text with a \u2028 line separator'],
    [''],
    [0],
    [false],
    [null],
    [{}],
    [{ tenant_id: 'other', service: 'other', id: 'other' }],
  ])('holds any JSON as it is: %j', (data) => {
    const message = read({ data });
    expect(message.metadata).toEqual({ data });
    expect(JSON.parse(publishedForm(message).toString())).toMatchObject({ tenant_id: 'alpha', metadata: { data } });
  });

  it('is refused or kept as it is, and never changed', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
        // numbers that a double does not hold become text, which has a test of its own
        const body = JSON.stringify({ data: value }, (_, one: unknown) => (typeof one === 'number' ? short(one) : one));
        const outcome = refusal(body);
        if (!Array.isArray(outcome)) expect(JSON.stringify((outcome as AlertMessage).metadata)).toBe(body);
      }),
    );
  });

  it('neither rings nor is an open alert, and has a problem of its own', () => {
    const [one, other] = [read({ data: 1 }), read({ data: 1 })];
    expect(one).toMatchObject({ tenant_id: 'alpha', service: 'topic', status: 'resolved', severity: 'low' });
    expect(one.dedup_key).toBe(one.id);
    expect(other.id).not.toBe(one.id);
  });

  it('is the same message when it is sent again under its id', () => {
    const [one, again] = [read({ data: { n: 1 }, id: 'e-1' }), read({ id: 'e-1', data: { n: 1 } })];
    expect(one.id).toBe('e-1');
    expect(publishedForm(again).equals(publishedForm(one))).toBe(true);
  });

  it('keeps long numbers exactly', () => {
    expect(read('{"data": 653247040368672771}').metadata).toEqual({ data: '653247040368672771' });
  });

  it.each([
    ['no JSON', '{"data":', ['invalid_json', undefined]],
    ['no object', '[1]', ['invalid_json', '']],
    ['without data', { id: 'e-1' }, ['invalid_field', '/data']],
    ['with a field more', { data: 1, topic: 'beta' }, ['unknown_field', '/topic']],
    ['with an id that is none', { data: 1, id: ' ' }, ['invalid_field', '/id']],
    ['with an id of a number', { data: 1, id: 7 }, ['invalid_field', '/id']],
    ['with too long an id', { data: 1, id: 'x'.repeat(201) }, ['invalid_field', '/id']],
    ['with control characters', { data: 'a\u0007' }, ['control_characters', undefined]],
  ])('%s is refused', (_what, body, expected) => expect(refusal(body)).toEqual(expected));

  it('that is too deep or too large is refused', () => {
    const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
    expect((refusal(`{"data":${deep}}`) as string[])[0]).toBe('too_deep');
    expect((refusal({ data: 'x'.repeat(MAX_BYTES) }) as string[])[0]).toBe('message_too_large');
    // within the limit as it was sent, and beyond it as it is published
    expect((refusal({ data: 'x'.repeat(MAX_BYTES - 50) }) as string[])[0]).toBe('message_too_large');
  });
});
