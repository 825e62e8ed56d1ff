import { CHANNELS } from '@tocsin/contracts/wire';
import { notifierReport } from './start-report';

const PUBLIC_URL = 'https://alerts.example.com';

test('every channel with a provider is enabled, and the others are one warning', () => {
  expect(notifierReport(CHANNELS, { PUBLIC_URL })).toEqual({ enabled: CHANNELS, warnings: [] });
  expect(notifierReport(['webhook'], { PUBLIC_URL })).toEqual({
    enabled: ['webhook'],
    warnings: ['no provider for email, sms, whatsapp, push: deliveries over them fail as not_configured'],
  });
});

test('messages without links are warned of', () => {
  expect(notifierReport(CHANNELS, {}).warnings).toEqual([expect.stringMatching(/^PUBLIC_URL is unset/)]);
});
