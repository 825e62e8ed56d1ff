import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { hintOf, type Hint } from './event';
import { decodeHints, decodeSignedHints, encodeHint, encodeSignedHints, looksLikeHints } from './hint-codec';
import { aHint, anEntry } from './testing/an-alert';

const stored = (overrides = {}) => ({
  epoch: 'e1',
  seq: 4,
  fp: 'abcdefgh',
  prev_fp: 'zyxwvuts',
  entry: anEntry({ seq: 4, ...overrides }),
});

describe('a hint', () => {
  it('arrives with the data line byte for byte, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.jsonValue(), (title, value) => {
        const hint = hintOf(stored({ title, metadata: { value } }));
        const [decoded] = decodeHints(encodeHint(hint))!;
        expect(decoded).toEqual(hint);
        expect(decoded!.data!.equals(hint.data!)).toBe(true);
        expect(hint.data!.includes(0x0a) || hint.data!.includes(0x0d)).toBe(false);
      }),
    );
  });

  it('of a processor of before, which leaves line separators raw, has the bytes that replay has', () => {
    const event = stored({ title: 'a\u2028b\u0085c', message: 'd\u2029é', labels: { '\u2028': '\\u2028' } });
    const before = encodeHint({ ...hintOf(event), data: Buffer.from(JSON.stringify(event.entry)) });
    const [decoded] = decodeHints(before)!;
    expect(decoded).toEqual(hintOf(event));
    expect(JSON.parse(decoded!.data!.toString())).toEqual(event.entry);
  });

  it('carries the type that an alert had before, where that was another', () => {
    const changed = hintOf(
      stored({
        previous: { status: 'firing', severity: 'low', type: 'notification', name: 'cold', labels: { a: 'b' } },
      }),
    );
    expect(changed.filter.previous_type).toBe('notification');
    expect(decodeHints(encodeHint(changed))).toEqual([changed]);
    expect(encodeHint(hintOf(stored())).toString()).not.toContain('previous_type');
  });

  it('carries the span that its entry continues, and nothing of it where there is none', () => {
    const trace = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331', sampled: true };
    const traced = {
      ...hintOf({ ...stored(), trace }),
      hops: { taken: 1_767_323_045_123.5, stored: 1_767_323_045_130 },
    };
    expect(decodeHints(encodeHint(traced))).toEqual([traced]);
    const untraced = hintOf(stored());
    const bytes = encodeHint(untraced).toString();
    expect(bytes).not.toMatch(/traceparent|hops/);
    expect(decodeHints(Buffer.from(bytes.replace('{"v":1', '{"v":1,"traceparent":{},"hops":{"taken":1}')))).toEqual([
      untraced,
    ]);
  });

  it('may come without data', () => {
    expect(decodeHints(encodeHint({ ...hintOf(stored()), data: null }))).toMatchObject([{ seq: 4, data: null }]);
  });

  it.each([
    '',
    'x',
    '\n',
    '{}\n{}',
    'null\n{}',
    '{"v":2,"epoch":"e","seq":1,"fp":"f"}\n{}',
    '{"v":1,"epoch":"e","seq":1.5,"fp":"f","prev_fp":null,"event":"notification","severity":"low","service":"s"}\n{}',
  ])('that is none is nothing: %j', (text) => expect(decodeHints(Buffer.from(text))).toBeUndefined());

  it('never throws, for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeHints(Buffer.from(bytes))));
  });
});

describe('a signed message', () => {
  const { tenant_id: _, ...hint } = aHint({ title: 'Größe ≠ 🥐' });
  const bare = { ...hint, data: null };
  const key = createSecretKey(Buffer.from('a key of at least thirty-two characters'));
  const otherKey = createSecretKey(Buffer.from('another key of at least thirty-two chars'));
  const messageOf = (...hints: Hint[]) => encodeSignedHints('alerts:a', hints.map(encodeHint), key);

  it.each([
    ['a hint', [hint]],
    ['a hint without data', [bare]],
    ['several hints', [hint, bare, bare, hint]],
    ['hints of which the last has no data', [hint, bare]],
  ])('of %s reads as it was written', (_what, hints) => {
    expect(decodeSignedHints('alerts:a', messageOf(...hints), key)).toEqual(hints);
  });

  it('of one hint is the signature, LF and the hint, as an older gateway reads it', () => {
    const bytes = messageOf(hint);
    expect(bytes.indexOf('\n')).toBe(43);
    expect(bytes.subarray(44).equals(encodeHint(hint))).toBe(true);
  });

  it('is none with another key, for another tenant, unsigned, or with a single changed byte', () => {
    const unsigned = encodeSignedHints('alerts:a', [encodeHint(hint)]);
    const signed = messageOf(hint, bare);
    expect(decodeSignedHints('alerts:a', signed, otherKey)).toBeUndefined();
    expect(decodeSignedHints('alerts:b', signed, key)).toBeUndefined();
    expect(decodeSignedHints('alerts:a', unsigned, key)).toBeUndefined();
    for (let at = 0; at < signed.length; at += 1) {
      const changed = Buffer.from(signed);
      changed[at]! ^= 1;
      expect(decodeSignedHints('alerts:a', changed, key)).toBeUndefined();
    }
  });

  it('is none as a whole when one of its hints is none', () => {
    expect(
      decodeSignedHints('alerts:a', encodeSignedHints('alerts:a', [encodeHint(hint), Buffer.from('{}\n{}')], key), key),
    ).toBe(undefined);
  });

  it('is not accepted without a key, signed or not', () => {
    expect(decodeSignedHints('alerts:a', messageOf(hint), undefined)).toBeUndefined();
    expect(decodeSignedHints('alerts:a', encodeSignedHints('alerts:a', [encodeHint(hint)]), undefined)).toBeUndefined();
  });

  it.each(['', '\n', 'no line break', '{}\n{}', '!!!!\n{}\n'])('is not %j', (text) => {
    expect(decodeSignedHints('alerts:a', Buffer.from(text), undefined)).toBeUndefined();
    expect(decodeSignedHints('alerts:a', Buffer.from(text), key)).toBeUndefined();
  });
});

describe('the form of hints', () => {
  const { tenant_id: _, ...hint } = aHint();
  const key = createSecretKey(Buffer.from('a key of at least thirty-two characters'));
  const ofAnotherVersion = encodeHint(hint).toString().replace('"v":1', '"v":2');

  it.each([
    ['signed with any key', encodeSignedHints('alerts:a', [encodeHint(hint), encodeHint(hint)], key)],
    ['unsigned', encodeHint(hint)],
    ['without data', encodeHint({ ...hint, data: null })],
    ['of another version', Buffer.from(ofAnotherVersion)],
  ])('is recognised when they are %s', (_what, bytes) => expect(looksLikeHints(bytes)).toBe(true));

  it.each([
    '',
    'null\n',
    '{"tenant_id":"a","title":"x"}',
    '{"tenant_id":"a","title":"x"}\n',
    JSON.stringify({ tenant_id: 'a', service: 'oven', title: 'written over lines' }, null, 2),
    `${'x'.repeat(43)}\n{"title":"x"}`,
    hint.data!.toString(),
    `${hint.data!.toString()}\n`,
  ])('is not that of %j', (text) => expect(looksLikeHints(Buffer.from(text))).toBe(false));

  it('is looked for without an exception in any bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void looksLikeHints(Buffer.from(bytes))));
  });
});
