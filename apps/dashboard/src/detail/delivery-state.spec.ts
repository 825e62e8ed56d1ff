import { DELIVERY_STATUSES, type Delivery, type DeliveryAttempt } from '@tocsin/contracts/wire';
import { ASK_EVERY_MS, askAgainMs, isDead, recipientWords, stateOf, tallyOf } from './delivery-state';

const NOW = Date.parse('2026-03-05T12:00:00.000Z');
const tried = (outcome: DeliveryAttempt['outcome'], reason: DeliveryAttempt['reason'] = null): DeliveryAttempt => ({
  attempt: 1,
  begun_at: '2026-03-05T11:59:00.000Z',
  ended_at: outcome === null ? null : '2026-03-05T11:59:01.000Z',
  outcome,
  reason,
  answer: null,
  provider_id: null,
});
const aDelivery = (more: Partial<Delivery> = {}): Delivery => ({
  delivery_id: 'd1',
  tenant_id: 'bakery',
  alert_id: 'a1',
  seq: 1,
  notification_id: null,
  channel: 'email',
  recipient: 'ana@example.com',
  status: 'pending',
  reason: null,
  created_at: '2026-03-05T11:59:00.000Z',
  due_at: null,
  settled_at: null,
  provider_status: null,
  provider_code: null,
  provider_status_at: null,
  attempts: [],
  ...more,
});

test.each<[string, Partial<Delivery>]>([
  ['waiting', {}],
  ['sending', { attempts: [tried('retry', 'timeout'), tried(null)] }],
  ['again', { attempts: [tried('retry', 'timeout')] }],
  // after a redrive the attempts before it stay on record
  ['again', { attempts: [tried('failed', 'rejected')] }],
  ['sent', { status: 'sent', attempts: [tried('sent')] }],
  ['sent', { status: 'sent', channel: 'sms', provider_status: 'sent' }],
  ['delivered', { status: 'sent', channel: 'sms', provider_status: 'delivered' }],
  ['delivered', { status: 'sent', channel: 'webhook' }],
  ['read', { status: 'sent', channel: 'whatsapp', provider_status: 'read' }],
  ['undelivered', { status: 'failed', channel: 'sms', provider_status: 'undelivered', reason: 'invalid_recipient' }],
  ['refused', { status: 'failed', reason: 'rejected', attempts: [tried('failed', 'rejected')] }],
  [
    'refused',
    { status: 'failed', reason: 'rejected', attempts: [tried('retry', 'timeout'), tried('failed', 'rejected')] },
  ],
  ['given_up', { status: 'failed', reason: 'timeout', attempts: [tried('failed', 'timeout')] }],
  [
    'given_up',
    {
      status: 'failed',
      reason: 'unauthorized',
      attempts: [tried('retry', 'unauthorized'), tried('failed', 'unauthorized')],
    },
  ],
  ['expired', { status: 'expired', reason: 'too_old' }],
  ['cancelled', { status: 'cancelled', reason: 'alert_over' }],
  ['unknown', { status: 'unknown', reason: 'connection_lost' }],
  ['superseded', { status: 'superseded' }],
])('is %s', (state, delivery) => expect(stateOf(aDelivery(delivery))).toBe(state));

test('it is asked again while an attempt follows, and not when all is over', () => {
  expect(askAgainMs([aDelivery({ status: 'sent' }), aDelivery()], false, NOW)).toBe(ASK_EVERY_MS);
  for (const status of DELIVERY_STATUSES.filter((one) => one !== 'pending'))
    expect([status, askAgainMs([aDelivery({ status, settled_at: '2026-03-05T11:59:59.000Z' })], false, NOW)]).toEqual([
      status,
      false,
    ]);
  expect(askAgainMs([], false, NOW)).toBe(false);
});

test('the report of a phone is awaited for a minute', () => {
  const sms = aDelivery({ channel: 'sms', status: 'sent', settled_at: '2026-03-05T11:59:30.000Z' });
  expect(askAgainMs([sms], false, NOW)).toBe(ASK_EVERY_MS);
  expect(askAgainMs([{ ...sms, provider_status: 'sent' }], false, NOW)).toBe(ASK_EVERY_MS);
  expect(askAgainMs([{ ...sms, provider_status: 'delivered' }], false, NOW)).toBe(false);
  expect(askAgainMs([sms], false, NOW + 31_000)).toBe(false);
});

test('after a failure it is asked more seldom, whatever was known before', () => {
  for (const known of [undefined, [], [aDelivery({ status: 'sent' })]])
    expect(askAgainMs(known, true, NOW)).toBeGreaterThan(ASK_EVERY_MS);
});

test('only what the server sends again is dead', () => {
  expect(DELIVERY_STATUSES.filter((status) => isDead(aDelivery({ status })))).toEqual(['failed', 'expired', 'unknown']);
});

test('a recipient is named, and the path of a web address is not shown', () => {
  const words = (channel: Delivery['channel'], recipient: string) =>
    recipientWords(aDelivery({ channel, recipient }), (user) => `<${user}>`);
  expect(words('push', 'user:ana')).toBe('<ana>');
  expect(words('email', 'ana@example.com')).toBe('ana@example.com');
  expect(words('webhook', 'https://hooks.example.com/services/T0/secret')).toBe('hooks.example.com');
  expect(words('webhook', 'no address')).toBe('…');
});

test('what was never to be sent is not counted, and what may have been sent is not counted as unsent', () => {
  const statuses = ['cancelled', 'unknown', 'sent', 'pending', 'failed', 'sent', 'expired', 'superseded'] as const;
  expect(tallyOf(statuses.map((status) => aDelivery({ status })))).toEqual([
    ['sent', 2],
    ['pending', 1],
    ['dead', 2],
    ['unknown', 1],
    ['cancelled', 1],
  ]);
  expect(tallyOf([aDelivery({ status: 'unknown' })])).toEqual([['unknown', 1]]);
});
