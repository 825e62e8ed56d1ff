import { createLogger } from '@tocsin/observability';
import { CHANNELS } from '@tocsin/contracts/wire';
import { channelsFrom, configuredOf } from './channels';
import { OneEndpoint } from './webhook/testing/one-endpoint';

describe('the channels', () => {
  it('are all there: one without a provider fails its deliveries at once, and a single warning names all of these', async () => {
    const lines: string[] = [];
    const log = createLogger({ app: 'test', destination: { write: (line) => void lines.push(line) } });
    const channels = channelsFrom(
      { WEBHOOK_ALLOW_PRIVATE: false },
      { log, webhookEndpoints: new OneEndpoint() as never },
    );
    expect(channels.map(({ channel }) => channel).sort()).toEqual([...CHANNELS].sort());
    // webhooks need no provider
    expect(configuredOf(channels)).toEqual(['webhook']);
    for (const channel of channels.filter((one) => one.channel !== 'webhook')) {
      const outcome = await channel.send(undefined as never, new AbortController().signal);
      expect(outcome).toEqual({ outcome: 'failed', reason: 'not_configured' });
    }
    expect(lines.map((line) => (JSON.parse(line) as { channels: string[] }).channels)).toEqual([
      CHANNELS.filter((kind) => kind !== 'webhook'),
    ]);
  });
});
