import { createLogger } from '@tocsin/observability';
import { CHANNELS } from '@tocsin/contracts/wire';
import { readSettings } from '@tocsin/settings';
import { OutboxFolder } from '../outbox/outbox-folder';
import { channelSettings, channelsFrom, configuredOf } from './channels';
import { OneEndpoint } from './webhook/testing/one-endpoint';

const config = readSettings(channelSettings, {});
const parts = {
  links: undefined as never,
  unsubscribes: undefined as never,
  webhookEndpoints: new OneEndpoint() as never,
  pushSubscriptions: undefined as never,
  breakers: undefined as never,
};

describe('the channels', () => {
  it('are all there: one without a provider fails its deliveries at once', async () => {
    const lines: string[] = [];
    const log = createLogger({ app: 'test', destination: { write: (line) => void lines.push(line) } });
    const channels = channelsFrom(config, { ...parts, log });
    expect(channels.map(({ channel }) => channel).sort()).toEqual([...CHANNELS].sort());
    // webhooks need no provider
    expect(configuredOf(channels)).toEqual(['webhook']);
    for (const channel of channels.filter((one) => one.channel !== 'webhook')) {
      const outcome = await channel.send(undefined as never, new AbortController().signal);
      expect(outcome).toEqual({ outcome: 'failed', reason: 'not_configured', of: 'us' });
    }
    // the start names them (start-report.ts)
    expect(lines).toEqual([]);
  });

  it('write to the outbox where there is one, and none of these counts as configured', () => {
    const log = createLogger({ app: 'test', destination: { write: () => undefined } });
    const channels = channelsFrom(config, { ...parts, log, outbox: new OutboxFolder('nowhere') });
    expect(
      channels.filter(({ constructor }) => constructor.name === 'OutboxChannel').map(({ channel }) => channel),
    ).toEqual(CHANNELS.filter((kind) => kind !== 'webhook'));
    expect(configuredOf(channels)).toEqual(['webhook']);
  });

  it('with a mail server e-mail is sent', async () => {
    const log = createLogger({ app: 'test', destination: { write: () => undefined } });
    const channels = channelsFrom({ ...config, SMTP_URL: 'smtp://127.0.0.1:1' }, { ...parts, log });
    expect(configuredOf(channels)).toEqual(['email', 'webhook']);
    for (const channel of channels) await channel.close();
  });
});
