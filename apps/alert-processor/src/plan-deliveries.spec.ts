import { DEFAULT_RECIPIENT, type ValidMessage } from '@tocsin/contracts';
import { anAlert } from '@tocsin/contracts/testing';
import { CHANNELS, SEVERITIES } from '@tocsin/contracts/wire';
import { planDeliveries } from './plan-deliveries';

const planned = (overrides: Partial<ValidMessage>) =>
  planDeliveries(anAlert(overrides)).map(({ channel, recipient }) => `${channel} ${recipient}`);
const byDefault = (...channels: string[]) => channels.map((channel) => `${channel} ${DEFAULT_RECIPIENT}`);

describe('the planned deliveries', () => {
  it('go to the recipients of the tenant, over the channels of the severity', () => {
    expect(planned({ severity: 'urgent' })).toEqual(byDefault('email', 'sms', 'whatsapp'));
    expect(planned({ severity: 'high' })).toEqual(byDefault('email'));
    expect(planned({ severity: 'medium' })).toEqual([]);
    expect(planned({ severity: 'low' })).toEqual([]);
  });

  it('go over the channels that the message names, whatever its severity', () => {
    expect(planned({ severity: 'low', channels: ['webhook', 'sms'] })).toEqual(byDefault('webhook', 'sms'));
    expect(planned({ severity: 'urgent', channels: ['email'] })).toEqual(byDefault('email'));
    expect(planned({ severity: 'urgent', channels: [] })).toEqual([]);
  });

  it('go to the recipients that the message names, each over the channels that reach it', () => {
    expect(planned({ severity: 'urgent', recipients: ['a@example.com', '+4917012345678'] })).toEqual([
      'email a@example.com',
      'sms +4917012345678',
      'whatsapp +4917012345678',
    ]);
    expect(planned({ severity: 'high', recipients: ['+4917012345678'] })).toEqual([]);
    expect(planned({ channels: ['webhook'], recipients: ['https://example.com/hook', 'a@example.com'] })).toEqual([
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

  it('do not go to an invalid address', () => {
    const fits = (channel: 'email' | 'webhook', recipient: string) =>
      planned({ channels: [channel], recipients: [recipient] }).length > 0;
    for (const recipient of ['example.com', '@example.com', 'a@', 'a b@example.com', 'a@example.com\nb@example.com'])
      expect(fits('email', recipient)).toBe(false);
    for (const recipient of ['example.com', 'ftp://example.com', 'javascript:alert(1)', 'file:///etc/passwd'])
      expect(fits('webhook', recipient)).toBe(false);
  });

  it.each(['recommendation', 'notification'] as const)('are none for a %s that names no channel', (type) => {
    for (const severity of SEVERITIES) expect(planned({ type, severity, recipients: ['a@example.com'] })).toEqual([]);
    expect(planned({ type, severity: 'low', channels: ['email'] })).toEqual(byDefault('email'));
  });

  it('are none when the alert is resolved', () => {
    expect(planned({ status: 'resolved', dedup_key: 'flour', channels: [...CHANNELS] })).toEqual([]);
  });
});
