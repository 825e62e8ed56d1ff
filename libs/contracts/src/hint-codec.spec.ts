import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { hintOf } from './event';
import { decodeHint, decodeSignedHint, encodeHint, encodeSignedHint } from './hint-codec';
import { aHint, anEntry } from './testing/an-alert';

const stored = (overrides = {}) => ({
  epoch: 'e1',
  seq: 4,
  fp: 'abcdefgh',
  prev_fp: 'zyxwvuts',
  entry: anEntry({ seq: 4, ...overrides }),
});

describe('a hint', () => {
  it('arrives with the data line byte for byte, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.jsonValue(), (title, value) => {
        const hint = hintOf(stored({ title, metadata: { value } }));
        const decoded = decodeHint(encodeHint(hint));
        expect(decoded).toEqual(hint);
        expect(decoded!.data!.equals(hint.data!)).toBe(true);
        expect(hint.data!.includes(0x0a) || hint.data!.includes(0x0d)).toBe(false);
      }),
    );
  });

  it('of a processor of before, which leaves line separators raw, has the bytes that replay has', () => {
    const event = stored({ title: 'a\u2028b\u0085c', message: 'd\u2029é', labels: { '\u2028': '\\u2028' } });
    const before = encodeHint({ ...hintOf(event), data: Buffer.from(JSON.stringify(event.entry)) });
    expect(decodeHint(before)).toEqual(hintOf(event));
    expect(JSON.parse(decodeHint(before)!.data!.toString())).toEqual(event.entry);
  });

  it('carries the type that an alert had before, where that was another', () => {
    const changed = hintOf(
      stored({
        previous: { status: 'firing', severity: 'low', type: 'notification', name: 'cold', labels: { a: 'b' } },
      }),
    );
    expect(changed.filter.previous_type).toBe('notification');
    expect(decodeHint(encodeHint(changed))).toEqual(changed);
    expect(encodeHint(hintOf(stored())).toString()).not.toContain('previous_type');
  });

  it('may come without data', () => {
    expect(decodeHint(encodeHint({ ...hintOf(stored()), data: null }))).toMatchObject({ seq: 4, data: null });
  });

  it.each([
    '',
    'x',
    '\n',
    '{}\n{}',
    'null\n{}',
    '{"v":2,"epoch":"e","seq":1,"fp":"f"}\n{}',
    '{"v":1,"epoch":"e","seq":1.5,"fp":"f","prev_fp":null,"event":"notification","severity":"low","service":"s"}\n{}',
  ])('that is none is nothing: %j', (text) => expect(decodeHint(Buffer.from(text))).toBeUndefined());

  it('never throws, whatever comes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeHint(Buffer.from(bytes))));
  });
});

describe('a signed hint', () => {
  const { tenant_id: _, ...hint } = aHint({ title: 'Größe ≠ 🥐' });
  const key = createSecretKey(Buffer.from('a key of at least thirty-two characters'));
  const otherKey = createSecretKey(Buffer.from('another key of at least thirty-two chars'));

  it('reads as it was written', () => {
    expect(decodeSignedHint('alerts:a', encodeSignedHint('alerts:a', hint, key), key)).toEqual(hint);
    expect(decodeSignedHint('alerts:a', encodeSignedHint('alerts:a', { ...hint, data: null }, key), key)).toEqual({
      ...hint,
      data: null,
    });
  });

  it('is none with another key, for another tenant, unsigned, or with a single changed byte', () => {
    const signed = encodeSignedHint('alerts:a', hint, key);
    expect(decodeSignedHint('alerts:a', signed, otherKey)).toBeUndefined();
    expect(decodeSignedHint('alerts:b', signed, key)).toBeUndefined();
    expect(decodeSignedHint('alerts:a', encodeSignedHint('alerts:a', hint), key)).toBeUndefined();
    for (let at = 0; at < signed.length; at += 1) {
      const changed = Buffer.from(signed);
      changed[at]! ^= 1;
      expect(decodeSignedHint('alerts:a', changed, key)).toBeUndefined();
    }
  });

  it('is none to who has no key, signed or not', () => {
    expect(decodeSignedHint('alerts:a', encodeSignedHint('alerts:a', hint, key), undefined)).toBeUndefined();
    expect(decodeSignedHint('alerts:a', encodeSignedHint('alerts:a', hint), undefined)).toBeUndefined();
  });

  it.each(['', '\n', 'no line break', '{}\n{}', '!!!!\n{}\n'])('is not %j', (text) => {
    expect(decodeSignedHint('alerts:a', Buffer.from(text), undefined)).toBeUndefined();
    expect(decodeSignedHint('alerts:a', Buffer.from(text), key)).toBeUndefined();
  });
});
