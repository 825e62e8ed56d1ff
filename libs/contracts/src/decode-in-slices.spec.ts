import { decodeBody, decodeInSlices } from '@tocsin/contracts';

const PAD = ' '.repeat(70_000);
const read = (text: string | Buffer, maxItems = 500) => decodeInSlices(Buffer.from(text as string), maxItems);
const list = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

/** Bodies, made large by white space, so that each is taken apart. */
const SAME: readonly string[] = [
  '', '{}', '[]', '[1,2]', ' [ 1 , "a" , null , true , {"a":[1,{"b":2}]} ] ', '{"a":1,"alerts":[{"b":"]"},{"c":"\\"}"}],"d":"\\\\"}', '"text"', '12', '-1.5e3', 'null', '\ufeff[1]', '\ufeff{"a":[]}',
  '{"__proto__":{"a":1},"constructor":2}', '{"a":1,"a":2}', '{"":""}', '{"a":[],"b":{}}', '[[],[[]],{}]', '{"a":["\\u0041","é","😀"]}',
  '[', ']', '{', '}', '[1', '[1,]', '[,1]', '[1,,2]', '[1 2]', '[1;2]', '{"a"}', '{"a":}', '{"a":1,}', '{,}', '{a:1}', '{1:1}', '{"a" 1}', '{"a":1 "b":2}', '{"a":[1}', '[{]', '[}', '{"a":]}',
  '[1]x', '[1][2]', '{}{}', '"a', '"a\\"', '["a]', '[tru]', '[01]', '[1\ufeff]', '[\ufeff1]', '{\ufeff"a":1}', '{"a":\ufeff1}', '[\u00a01]', '["\n"]', '["\\x"]', "['a']", '[1]]', '[[1]', '{"a":[1,]}', '{"a":[,]}',
  '["\\u0000"]', '{"\\u0007":1}', '["\\ud800"]', '{"a":"\u007f"}', `{"a":${list(16)}}`, `{"a":${list(17)}}`, `[${list(16)}]`, `[${list(17)}]`, `{"a":[${list(15)}]}`, `{"a":[${list(16)}]}`, list(17), list(18),
];

describe('a body that is read in slices', () => {
  it.each(SAME)('%j is what it is read at once', async (text) => {
    for (const body of [`${text}${PAD}`, text]) {
      const atOnce = decodeBody(Buffer.from(body), Infinity);
      const sliced = await read(body);
      expect(sliced.ok ? sliced : sliced.code).toEqual(atOnce.ok ? atOnce : atOnce.code);
      if (sliced.ok) expect(JSON.stringify(sliced.value)).toBe(JSON.stringify((atOnce as { value: unknown }).value));
    }
  });

  it('is no JSON where it is no UTF-8', async () => {
    const body = Buffer.concat([Buffer.from('["a",'), Buffer.from([0x22, 0xff, 0x22]), Buffer.from(`]${PAD}`)]);
    expect(await read(body)).toMatchObject({ code: 'invalid_utf8' });
  });

  it('holds as many messages as one request may, however large it is', async () => {
    for (const pad of ['', PAD]) {
      expect(await read(`[1,2,3]${pad}`, 3)).toEqual({ ok: true, value: [1, 2, 3] });
      expect(await read(`[1,2,3,4]${pad}`, 3)).toMatchObject({ code: 'batch_too_large' });
      expect(await read(`{"alerts":[1,2,3,4]}${pad}`, 3)).toEqual({ ok: true, value: { alerts: [1, 2, 3, 4] } });
    }
  });

  it.each<[string, string]>([
    ['a part of more than a megabyte', `{"alerts":["${'x'.repeat(1_100_000)}"]}`],
    ['a part of a great many values', `{"alerts":[[${'1,'.repeat(40_000)}1]]}`],
    ['a great many fields', `{${Array.from({ length: 10_000 }, (_, i) => `"f${i}":1`).join(',')}}`],
  ])('is no message with %s', async (_what, body) => expect(await read(body)).toMatchObject({ code: 'message_too_large' }));
});
