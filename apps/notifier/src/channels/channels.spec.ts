import { createLogger } from '@tocsin/observability';
import { CHANNELS } from '@tocsin/contracts/wire';
import { channelsFrom, configuredOf } from './channels';

describe('the channels', () => {
  it('are all there: one without a provider fails its deliveries at once, and a single warning names all of these', async () => {
    const lines: string[] = [];
    const log = createLogger({ app: 'test', destination: { write: (line) => void lines.push(line) } });
    const channels = channelsFrom({}, { log });
    expect(channels.map(({ channel }) => channel).sort()).toEqual([...CHANNELS].sort());
    expect(configuredOf(channels)).toEqual([]);
    for (const channel of channels) {
      const outcome = await channel.send(undefined as never, new AbortController().signal);
      expect(outcome).toEqual({ outcome: 'failed', reason: 'not_configured' });
    }
    expect(lines.map((line) => (JSON.parse(line) as { channels: string[] }).channels)).toEqual([[...CHANNELS]]);
  });
});
