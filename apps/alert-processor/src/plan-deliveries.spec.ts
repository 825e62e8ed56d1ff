import type { ValidMessage } from '@tocsin/contracts';
import { anAlert } from '@tocsin/contracts/testing';
import { CHANNELS, SEVERITIES } from '@tocsin/contracts/wire';
import { planDeliveries } from './plan-deliveries';

const planned = (overrides: Partial<ValidMessage>) =>
  planDeliveries(anAlert(overrides)).map(({ channel, recipient }) => `${channel} ${recipient}`);
/** For the tenant's recipients on these channels. */
const ofTenant = (...channels: string[]) => channels.map((channel) => `${channel} null`);
/** For the tenant's recipients on all channels. */
const ALL_OF_TENANT = ofTenant('null');

describe('the planned deliveries', () => {
  it.each(SEVERITIES)('of an alert that is %s go to what the tenant has configured for its severity', (severity) => {
    expect(planned({ severity })).toEqual(ALL_OF_TENANT);
    expect(planned({ severity, recipients: [] })).toEqual(ALL_OF_TENANT);
  });

  it("go to the tenant's recipients on the channels that the message names, each channel once", () => {
    expect(planned({ severity: 'low', channels: ['webhook', 'sms', 'webhook'] })).toEqual(ofTenant('webhook', 'sms'));
    expect(planned({ severity: 'urgent', channels: [] })).toEqual([]);
  });

  it('go to the recipients that the message names, each over the channels that reach it', () => {
    const recipients = ['a@example.com', '+4917012345678', 'user:ana@example.com', 'https://example.com/hook', 'ana'];
    expect(planned({ severity: 'urgent', recipients })).toEqual([
      'email a@example.com',
      'sms +4917012345678',
      'whatsapp +4917012345678',
      'push user:ana@example.com',
    ]);
    expect(planned({ severity: 'high', recipients })).toEqual(['email a@example.com', 'push user:ana@example.com']);
    expect(planned({ severity: 'medium', recipients })).toEqual([]);
    expect(planned({ severity: 'low', recipients })).toEqual([]);
    expect(planned({ severity: 'low', recipients, channels: ['webhook'] })).toEqual([
      'webhook https://example.com/hook',
    ]);
  });

  it('go to a recipient once, however often it is named', () => {
    expect(planned({ channels: ['email', 'email'], recipients: ['a@example.com', 'a@example.com'] })).toEqual([
      'email a@example.com',
    ]);
  });

  it.each(['sms', 'whatsapp'] as const)('do not go to a phone number that %s cannot reach', (channel) => {
    const fits = (recipient: string) => planned({ channels: [channel], recipients: [recipient] }).length > 0;
    expect(['+4917012345678', '+15550100123'].every(fits)).toBe(true);
    expect(['017012345678', '+0170123456', '+49 170 12345678', '+1234567890123456', '+12', ''].some(fits)).toBe(false);
  });

  it('do not go to what is no address of the channel', () => {
    const fits = (channel: 'email' | 'webhook', recipient: string) =>
      planned({ channels: [channel], recipients: [recipient] }).length > 0;
    for (const recipient of ['example.com', '@example.com', 'a@', 'a b@example.com', 'a@example.com\nb@example.com'])
      expect(fits('email', recipient)).toBe(false);
    for (const recipient of ['example.com', 'ftp://example.com', 'javascript:alert(1)', 'file:///etc/passwd'])
      expect(fits('webhook', recipient)).toBe(false);
    // a list in one address would reach people that the message does not name
    expect(fits('email', 'a@example.com,b@example.com')).toBe(false);
  });

  it('are planned for an address of the right kind that is malformed, so that its failure is on record', () => {
    const recipients = ['https://ana:secret@example.com/hook'];
    expect(planned({ channels: ['webhook'], recipients })).toHaveLength(1);
  });

  it.each(['recommendation', 'notification'] as const)('are none for a %s that names no channel', (type) => {
    for (const severity of SEVERITIES) expect(planned({ type, severity, recipients: ['a@example.com'] })).toEqual([]);
    expect(planned({ type, severity: 'low', channels: ['email'] })).toEqual(ofTenant('email'));
  });

  it('are none when the alert is resolved', () => {
    expect(planned({ status: 'resolved', dedup_key: 'flour', channels: [...CHANNELS] })).toEqual([]);
  });
});
