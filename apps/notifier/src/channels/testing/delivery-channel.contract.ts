import type { ClaimedDelivery, SendOutcome } from '@tocsin/contracts';
import { aDelivery } from '../../testing/memory-queue';
import type { DeliveryChannel } from '../delivery-channel';

/**
 * How the played provider behaves towards the next messages:
 * - `accept`: it takes the message.
 * - `refuse`: it refuses the message for good.
 * - `busy`: it cannot take the message now.
 * - `silent`: it has taken the message, and never answers.
 * - `hang_up`: it closes the connection before anything could be accepted.
 * - `flood`: its answer never ends.
 */
export type ProviderMood = 'accept' | 'refuse' | 'busy' | 'silent' | 'hang_up' | 'flood';

export interface PlayedProvider {
  channel: DeliveryChannel;
  /** A delivery that the channel can send: its recipient leads to the provider. */
  delivery?: Partial<ClaimedDelivery>;
  setMood(mood: ProviderMood): void;
  /** A text for each message that the provider has received. It must contain the delivery's id. */
  received(): readonly string[];
  close(): Promise<void>;
}

interface ContractOptions {
  /** Starts a local server that plays the provider, and the channel in front of it. Its timeouts are short. */
  open(): Promise<PlayedProvider>;
  /** Moods that the provider's protocol cannot express. Each needs a comment that says why. */
  without?: readonly ProviderMood[];
  /** Whether the provider gets the id of the delivery. Default: what `at_least_once` requires. */
  carriesId?: boolean;
}

/** An attempt must end this soon after it was aborted, in milliseconds. */
const ABORTED_WITHIN_MS = 1_500;
/** The memory that the answer of a provider may take, in bytes. */
const ANSWER_MEMORY = 32 * 1024 * 1024;

/** The behaviour that every `DeliveryChannel` shares. */
export function describeDeliveryChannel(name: string, { open, without = [], carriesId }: ContractOptions): void {
  const shows = (mood: ProviderMood) => (without.includes(mood) ? it.skip : it);

  describe(`${name} as a delivery channel`, () => {
    let provider: PlayedProvider;
    beforeEach(async () => {
      provider = await open();
    });
    afterEach(async () => {
      await provider?.channel.close();
      await provider?.close();
    });
    const next = () => aDelivery({ channel: provider.channel.channel, ...provider.delivery });
    const send = (delivery = next(), signal = new AbortController().signal): Promise<SendOutcome> =>
      provider.channel.send(delivery, signal);

    it('has limits that an operator can live with', () => {
      const { concurrency, timeoutMs, expiresAfterMs } = provider.channel.limits;
      expect(concurrency).toBeGreaterThanOrEqual(1);
      expect(timeoutMs).toBeLessThanOrEqual(60_000);
      expect(expiresAfterMs).toBeGreaterThanOrEqual(60_000);
      expect(provider.channel.providerOf(next())).not.toBe('');
    });

    it('sends a delivery once, and says that it was sent', async () => {
      provider.setMood('accept');
      const delivery = next();
      expect(await send(delivery)).toMatchObject({ outcome: 'sent' });
      expect(provider.received()).toHaveLength(1);
      if (carriesId ?? provider.channel.promise === 'at_least_once')
        expect(provider.received()[0]).toContain(delivery.delivery_id);
    });

    it('sends another attempt of a delivery under the same id', async () => {
      provider.setMood('accept');
      const delivery = next();
      await send(delivery);
      await send({ ...delivery, attempt: 2 });
      expect(provider.received()).toHaveLength(2);
      if (carriesId ?? provider.channel.promise === 'at_least_once')
        expect(provider.received()[1]).toContain(delivery.delivery_id);
    });

    shows('refuse')('calls a refusal for good a failure, after one call', async () => {
      provider.setMood('refuse');
      expect(await send()).toMatchObject({ outcome: 'failed' });
      expect(provider.received().length).toBeLessThanOrEqual(1);
    });

    shows('busy')('leaves it to others to try again, after one call', async () => {
      provider.setMood('busy');
      expect(await send()).toMatchObject({ outcome: 'retry' });
      expect(provider.received().length).toBeLessThanOrEqual(1);
    });

    shows('hang_up')('asks to be tried again when the connection ends before anything could be accepted', async () => {
      provider.setMood('hang_up');
      expect(['retry', 'unknown']).toContain((await send()).outcome);
    });

    shows('silent')('does not know the outcome when it is aborted after the provider has the message', async () => {
      provider.setMood('silent');
      const stop = new AbortController();
      const outcome = send(next(), stop.signal);
      while (provider.received().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const abortedAt = performance.now();
      stop.abort();
      expect(await outcome).toMatchObject({ outcome: 'unknown' });
      expect(performance.now() - abortedAt).toBeLessThan(ABORTED_WITHIN_MS);
    });

    it('ends at once, and without a call, when it is aborted before it begins', async () => {
      provider.setMood('silent');
      const since = performance.now();
      expect((await send(next(), AbortSignal.abort())).outcome).not.toBe('sent');
      expect(performance.now() - since).toBeLessThan(ABORTED_WITHIN_MS);
    });

    shows('flood')('stops reading an answer that never ends', async () => {
      provider.setMood('flood');
      const before = process.memoryUsage().rss;
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), 5_000);
      const outcome = await send(next(), stop.signal);
      clearTimeout(timer);
      if ('answer' in outcome) expect(outcome.answer!.length).toBeLessThanOrEqual(64 * 1024);
      expect(process.memoryUsage().rss - before).toBeLessThan(ANSWER_MEMORY);
    });

    it('sends again after each of these', async () => {
      for (const mood of (['refuse', 'busy', 'hang_up'] as const).filter((one) => !without.includes(one))) {
        provider.setMood(mood);
        await send();
        provider.setMood('accept');
        expect(await send()).toMatchObject({ outcome: 'sent' });
      }
    });

    it('may be closed twice', async () => {
      await provider.channel.close();
      await provider.channel.close();
    });
  });
}
