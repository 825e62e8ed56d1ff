import { Refused } from '@tocsin/contracts';
import { askedHashOf, digestGroupOf, planNotification } from './plan-notification';

test('each recipient is told once over each channel that fits its address', () => {
  const recipients = ['ana@example.com', '+4915112345678', 'https://example.com/hook', 'user:ana', 'ana@example.com'];
  expect(planNotification(['whatsapp', 'email', 'sms', 'webhook', 'push'], recipients)).toEqual([
    { channel: 'whatsapp', recipient: '+4915112345678' },
    { channel: 'email', recipient: 'ana@example.com' },
    { channel: 'sms', recipient: '+4915112345678' },
    { channel: 'webhook', recipient: 'https://example.com/hook' },
    { channel: 'push', recipient: 'user:ana' },
  ]);
});

test.each([
  ['email', 'ana'],
  ['email', 'ana@b@c'],
  ['email', 'Ana <ana@example.com>'],
  ['email', 'a@b.c, d@e.f'],
  ['email', 'ana@example.com\r\nBcc: eve@example.com'],
  ['email', `${'a'.repeat(251)}@b.c`],
  ['sms', '015112345678'],
  ['sms', '+0151123456'],
  ['sms', '+49 151 12345678'],
  ['whatsapp', '+1234567890123456'],
  ['webhook', 'ftp://example.com'],
  ['webhook', 'https://user:secret@example.com'],
  ['webhook', 'https://example.com/\nx'],
  ['webhook', 'example.com'],
  ['push', 'ana'],
] as const)('an address that %s does not take is refused with a pointer: %j', (channel, recipient) => {
  let refused: unknown;
  try {
    planNotification([channel], [recipient]);
  } catch (error) {
    refused = error;
  }
  expect(refused).toBeInstanceOf(Refused);
  expect(refused).toMatchObject({
    code: 'invalid_recipient',
    details: { errors: [{ pointer: '/recipients/0', code: 'invalid_recipient' }] },
  });
});

test('a digest is identified by its sender, key, window, recipients and channels, in any order', () => {
  const group = (key: string, every_seconds: number, ...recipients: string[]) =>
    digestGroupOf({ key, every_seconds }, planNotification(['email'], recipients), 'orders');
  const one = group('k', 60, 'a@example.com', 'b@example.com');
  expect(group('k', 60, 'b@example.com', 'a@example.com')).toBe(one);
  expect(
    new Set([
      one,
      group('l', 60, 'a@example.com', 'b@example.com'),
      group('k', 61, 'a@example.com', 'b@example.com'),
      group('k', 60, 'a@example.com'),
      digestGroupOf(
        { key: 'k', every_seconds: 60 },
        planNotification(['email'], ['a@example.com', 'b@example.com']),
        'billing',
      ),
    ]).size,
  ).toBe(5);
});

test('two bodies with the same content have the same hash, in any order of their fields', () => {
  expect(askedHashOf({ a: 1, b: { c: 2, d: 3 }, e: undefined })).toBe(askedHashOf({ b: { d: 3, c: 2 }, a: 1 }));
  expect(askedHashOf({ a: [1, 2] })).not.toBe(askedHashOf({ a: [2, 1] }));
});
