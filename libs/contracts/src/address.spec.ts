import { isAddressOf } from './address';

test('the length of an address counts in bytes, so that each fits into a key of the database', () => {
  for (const prefix of ['user:', 'user:é']) {
    const bytes = Buffer.byteLength(prefix);
    expect(isAddressOf('push', prefix + 'x'.repeat(2_000 - bytes))).toBe(true);
    expect(isAddressOf('push', prefix + 'x'.repeat(2_001 - bytes))).toBe(false);
  }
  expect(isAddressOf('push', `user:${'漢'.repeat(665)}`)).toBe(true);
  expect(isAddressOf('push', `user:${'漢'.repeat(666)}`)).toBe(false);
});

test('a web address must be short enough with its characters encoded, too', () => {
  const address = (characters: string) => `https://example.com/${characters}`;
  expect(isAddressOf('webhook', address('x'.repeat(1_980)))).toBe(true);
  expect(isAddressOf('webhook', address('x'.repeat(1_981)))).toBe(false);
  // three bytes, of which the encoding makes nine
  expect(isAddressOf('webhook', address('漢'.repeat(220)))).toBe(true);
  expect(isAddressOf('webhook', address('漢'.repeat(221)))).toBe(false);
});
