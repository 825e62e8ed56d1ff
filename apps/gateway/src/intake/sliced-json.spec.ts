import fc from 'fast-check';
import { NotDecoded, Turns } from '@tocsin/messages';
import { Refused } from '@tocsin/contracts';
import { decodeInSlices } from './sliced-json';

const MAX_LIST = 500;
const decode = (text: string) => decodeInSlices(Buffer.from(text), MAX_LIST, new Turns());
const codeOf = (text: string) =>
  decode(text).then(
    () => 'accepted',
    (error: unknown) => (error instanceof Refused ? error.code : String(error)),
  );

/** Texts and names that would mislead a parser that cuts JSON at its brackets. */
const tricky = fc.oneof(fc.string(), fc.constantFrom('alerts', '"', '\\', '\\"', '],', '{"alerts":[', '\u2028', 'ü🚨'));
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    tricky,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(tricky, tie('any'), { maxKeys: 4 }),
  ),
})).any;
/** Long enough for the body to be decoded in slices. */
const filler = 'x'.repeat(70_000);

describe('a body that is decoded in slices', () => {
  it('is what JSON.parse makes of it, as a list', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 20 }), fc.constantFrom(undefined, 1), async (elements, indent) => {
        const text = JSON.stringify([filler, ...elements], null, indent);
        expect((await decode(text)).value).toEqual(JSON.parse(text));
      }),
    );
  });

  it('is what JSON.parse makes of it, as a group', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(tricky, value), { maxLength: 5 }),
        fc.array(value, { maxLength: 20 }),
        fc.boolean(),
        async (members, alerts, first) => {
          const fields = members
            .filter(([name]) => name !== 'alerts')
            .map(([name, member]) => `${JSON.stringify(name)}:${JSON.stringify(member)}`);
          const list = `"alerts" : ${JSON.stringify([filler, ...alerts])}`;
          const text = `{${(first ? [list, ...fields] : [...fields, list]).join(',')}}`;
          expect((await decode(text)).value).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  it.each([
    ['two lists of one name', `{"alerts":["${filler}"],"alerts":[1]}`, { alerts: [1] }],
    ['a list and then none', `{"alerts":["${filler}"],"alerts":2}`, { alerts: 2 }],
    [
      'an empty list behind it',
      `{"a":"${filler}","b":{"alerts":[1]},"alerts":[ ]}`,
      { a: filler, b: { alerts: [1] }, alerts: [] },
    ],
  ])('with %s is read like any JSON', async (_, text, expected) =>
    expect((await decode(text)).value).toEqual(expected),
  );

  it.each([
    ['no end', `[1,2,"${filler}"`, 'invalid_json'],
    ['an element too few', `[1,,"${filler}"]`, 'invalid_json'],
    ['something behind its end', `["${filler}"] x`, 'invalid_json'],
    ['a wrong end', `["${filler}"}`, 'invalid_json'],
    ['half a text', `["${filler}`, 'invalid_json'],
    ['an object that does not end', `{"a":"${filler}"`, 'invalid_json'],
    ['bytes that are no UTF-8 within', `["${filler}\ud800"]`, 'accepted'],
    ['one event', `{"a":"${filler}"}`, 'accepted'],
    ['one event of many values', `{"a":"${filler}","b":[${Array(20_001).fill(1).join()}]}`, 'message_too_large'],
    ['more than one event, and no list', `{"a":"${'x'.repeat(524_288)}"}`, 'message_too_large'],
    [
      '501 elements',
      `[${Array(501)
        .fill(`"${'x'.repeat(200)}"`)
        .join()}]`,
      'batch_too_large',
    ],
    ['30,001 alerts', `{"alerts":[${Array(30_001).fill('{}').join()}]}`, 'batch_too_large'],
    ['much around its list', `{"a":[${Array(30_000).fill(1).join()}],"alerts":[1]}`, 'accepted'],
    ['too much around its list', `{"a":[${Array(300_000).fill(1).join()}],"alerts":[1]}`, 'message_too_large'],
  ])('with %s is refused or not', async (_, text, code) => expect(await codeOf(text)).toBe(code));

  it('does not decode an element that holds more than any message', async () => {
    const { value: decoded } = await decode(`[1,[${Array(300_000).fill('{}').join()}]]`);
    expect(decoded).toEqual([1, new NotDecoded(900_001)]);
  });
});
