import { createSecretKey } from 'node:crypto';
import { aHint } from '@tocsin/contracts/testing';
import { decodeMessage, encodeMessage } from './hint-message';

describe('a hint on its way', () => {
  const { tenant_id: _, ...hint } = aHint({ title: 'Größe ≠ 🥐' });
  const key = createSecretKey(Buffer.from('a key of at least thirty-two characters'));
  const otherKey = createSecretKey(Buffer.from('another key of at least thirty-two chars'));

  it('reads as it was written', () => {
    expect(decodeMessage('alerts:a', encodeMessage('alerts:a', hint, key), key)).toEqual(hint);
    expect(decodeMessage('alerts:a', encodeMessage('alerts:a', { ...hint, data: null }, key), key)).toEqual({
      ...hint,
      data: null,
    });
  });

  it('is none with another key, for another tenant, unsigned, or with a single changed byte', () => {
    const signed = encodeMessage('alerts:a', hint, key);
    expect(decodeMessage('alerts:a', signed, otherKey)).toBeUndefined();
    expect(decodeMessage('alerts:b', signed, key)).toBeUndefined();
    expect(decodeMessage('alerts:a', encodeMessage('alerts:a', hint), key)).toBeUndefined();
    for (let at = 0; at < signed.length; at += 1) {
      const changed = Buffer.from(signed);
      changed[at]! ^= 1;
      expect(decodeMessage('alerts:a', changed, key)).toBeUndefined();
    }
  });

  it('is none to who has no key, signed or not', () => {
    expect(decodeMessage('alerts:a', encodeMessage('alerts:a', hint, key), undefined)).toBeUndefined();
    expect(decodeMessage('alerts:a', encodeMessage('alerts:a', hint), undefined)).toBeUndefined();
  });

  it.each(['', '\n', 'no line break', '{}\n{}', '!!!!\n{}\n'])('is not %j', (text) => {
    expect(decodeMessage('alerts:a', Buffer.from(text), undefined)).toBeUndefined();
    expect(decodeMessage('alerts:a', Buffer.from(text), key)).toBeUndefined();
  });
});
