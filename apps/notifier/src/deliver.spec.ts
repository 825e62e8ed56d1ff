import type { SendOutcome } from '@tocsin/contracts';
import { createLogger, Metrics } from '@tocsin/observability';
import { SpansInMemory } from '@tocsin/observability/testing';
import { Breakers, FAILURES, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, MAX_PROVIDERS } from './breakers';
import { Deliver } from './deliver';
import { ChannelByHand, SENT } from './testing/channel-by-hand';
import { aDelivery } from './testing/memory-queue';

const log = createLogger({ app: 'test', level: 'silent' });
const FAILS = (): SendOutcome => ({ outcome: 'retry', reason: 'provider_error' });
/** An outcome of our own store or text: no provider was asked. */
const ASKS_NOBODY = (): SendOutcome => ({ outcome: 'retry', reason: 'connection_failed', of: 'us' });
const REFUSES = (): SendOutcome => ({ outcome: 'failed', reason: 'invalid_recipient' });

describe('delivering', () => {
  let metrics: Metrics;
  let deliver: Deliver;
  const never = new AbortController().signal;
  const attempt = (channel: ChannelByHand, delivery = aDelivery()) => deliver.deliver(channel, delivery, never);
  beforeEach(() => {
    jest.useFakeTimers();
    metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
    deliver = new Deliver(new Breakers(metrics, log), metrics, log, undefined, () => 0.5);
  });
  afterEach(() => jest.useRealTimers());
  const breakersOpen = async () =>
    (await metrics.deliveryBreakersOpen.get()).values.map(({ labels, value }) => [labels.channel, value]);

  it('begins the attempt before it returns its promise: the lease was judged just before', () => {
    const channel = new ChannelByHand();
    void attempt(channel);
    expect(channel.sent).toHaveLength(1);
  });

  it('has a span of its own in the trace of the entry, which the channel gets as the parent of its receiver', async () => {
    const spans = new SpansInMemory();
    const traced = new Deliver(new Breakers(metrics, log), metrics, log, spans);
    const trace = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331', sampled: true };
    const channel = new ChannelByHand({ answer: SENT });
    await traced.deliver(channel, { ...aDelivery(), trace }, never);
    channel.answer = FAILS;
    await traced.deliver(channel, { ...aDelivery(), trace }, never);
    await traced.deliver(channel, aDelivery(), never);
    expect(spans.ended).toMatchObject([
      { name: 'deliver webhook', kind: 'client', parent: trace.span_id, failed: undefined },
      { name: 'deliver webhook', kind: 'client', parent: trace.span_id, failed: 'provider_error' },
    ]);
    expect(channel.sent.map((delivery) => delivery.trace)).toEqual([
      ...spans.ended.map((span) => span.context),
      undefined,
    ]);
  });

  it('does not send what is too old for the channel, and counts the age from when it was due first', async () => {
    const channel = new ChannelByHand({ channel: 'sms', expiresAfterMs: 900_000, answer: SENT });
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
    const old = aDelivery({ created_at: ago(900_000), first_due_at: ago(900_000) });
    expect(await attempt(channel, old)).toEqual({
      tenant_id: old.tenant_id,
      delivery_id: old.delivery_id,
      attempt: 1,
      outcome: 'expired',
      reason: 'too_old',
    });
    expect(channel.sent).toEqual([]);
    expect(await attempt(channel, { ...old, first_due_at: ago(899_000) })).toMatchObject({ outcome: 'sent' });
  });

  it('plans no attempt for later than the expiry of the delivery', async () => {
    const channel = new ChannelByHand({ expiresAfterMs: 3_000, answer: FAILS });
    expect(await attempt(channel)).toMatchObject({ outcome: 'retry', again_in_ms: 3_000 });
  });

  it('aborts an attempt that takes too long, and keeps the outcome that the channel reports', async () => {
    const channel = new ChannelByHand({ timeoutMs: 4_000 });
    const settled = attempt(channel);
    await jest.advanceTimersByTimeAsync(3_999);
    expect(channel.under[0]!.signal.aborted).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(await settled).toMatchObject({ outcome: 'retry', reason: 'timeout', again_in_ms: 60_000 });
  });

  it('does not wait for a channel that ignores the abort', async () => {
    const channel = new ChannelByHand({ promise: 'at_most_once', timeoutMs: 4_000 });
    channel.send = () => new Promise(() => undefined);
    const settled = attempt(channel);
    await jest.advanceTimersByTimeAsync(6_000);
    expect(await settled).toMatchObject({ outcome: 'unknown', reason: 'timeout' });
    expect(jest.getTimerCount()).toBe(0);
  });

  it('aborts attempts when the process ends', async () => {
    const stop = new AbortController();
    const channel = new ChannelByHand({ promise: 'at_most_once' });
    const settled = deliver.deliver(channel, aDelivery(), stop.signal);
    stop.abort();
    expect(await settled).toMatchObject({ outcome: 'unknown' });
    expect(jest.getTimerCount()).toBe(0);
  });

  it('treats a channel that throws as one that may have sent', async () => {
    const channel = new ChannelByHand({ promise: 'at_most_once' });
    channel.send = () => Promise.reject(new Error('a defect'));
    expect(await attempt(channel)).toMatchObject({ outcome: 'unknown', reason: 'connection_lost' });
    channel.send = () => {
      throw new Error('a defect');
    };
    expect(await attempt(channel)).toMatchObject({ outcome: 'unknown', reason: 'connection_lost' });
  });

  describe('to a provider that fails', () => {
    const fail = async (channel: ChannelByHand) => {
      channel.answer = FAILS;
      for (let n = 0; n < FAILURES; n += 1) expect(await attempt(channel)).toMatchObject({ outcome: 'retry' });
    };

    it('gives deliveries back after some failures in a row, without an attempt, until one succeeds', async () => {
      const channel = new ChannelByHand();
      await fail(channel);
      expect(await breakersOpen()).toEqual([['webhook', 1]]);
      expect(await attempt(channel)).toMatchObject({ outcome: 'released', again_in_ms: FIRST_PAUSE_MS * 1.5 });
      expect(channel.sent).toHaveLength(FAILURES);

      await jest.advanceTimersByTimeAsync(FIRST_PAUSE_MS);
      channel.answer = undefined;
      const probe = attempt(channel);
      // one attempt tries the provider, and the others wait
      expect(await attempt(channel)).toMatchObject({ outcome: 'released', again_in_ms: FIRST_PAUSE_MS * 1.5 });
      channel.under[0]!.end({ outcome: 'sent' });
      expect(await probe).toMatchObject({ outcome: 'sent' });
      channel.answer = SENT;
      expect(await attempt(channel)).toMatchObject({ outcome: 'sent' });
      expect(await breakersOpen()).toEqual([['webhook', 0]]);
    });

    it('waits longer each time, up to a minute', async () => {
      const channel = new ChannelByHand();
      await fail(channel);
      const pauses: number[] = [];
      for (let n = 0; n < 6; n += 1) {
        const given = await attempt(channel);
        pauses.push((given as { again_in_ms: number }).again_in_ms / 1.5);
        await jest.advanceTimersByTimeAsync(LONGEST_PAUSE_MS);
        expect(await attempt(channel)).toMatchObject({ outcome: 'retry' });
      }
      expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    });

    it('leaves other providers of the channel, and other channels, as they are', async () => {
      const channel = new ChannelByHand();
      channel.providerOf = ({ recipient }) => new URL(recipient).host;
      await fail(channel);
      const other = new ChannelByHand({ channel: 'push', answer: SENT });
      expect(await attempt(channel)).toMatchObject({ outcome: 'released' });
      channel.answer = SENT;
      expect(await attempt(channel, aDelivery({ recipient: 'https://other.example' }))).toMatchObject({
        outcome: 'sent',
      });
      expect(await attempt(other)).toMatchObject({ outcome: 'sent' });
    });

    it('counts a refusal as a sign that the provider works', async () => {
      const channel = new ChannelByHand();
      for (let n = 0; n < 3 * FAILURES; n += 1) {
        channel.answer = n % 3 ? FAILS : REFUSES;
        expect((await attempt(channel)).outcome).toBe(n % 3 ? 'retry' : 'failed');
      }
    });

    it('counts no failure of one recipient: the provider answered', async () => {
      const channel = new ChannelByHand({
        answer: () => ({ outcome: 'retry', reason: 'provider_error', of: 'recipient' }),
      });
      for (let n = 0; n < 3 * FAILURES; n += 1) expect(await attempt(channel)).toMatchObject({ outcome: 'retry' });
      await fail(channel);
      expect(await attempt(channel)).toMatchObject({ outcome: 'released' });
    });

    it('takes an attempt that asked no provider neither for a failure nor for a sign that it works', async () => {
      const channel = new ChannelByHand({ answer: ASKS_NOBODY });
      for (let n = 0; n < 3 * FAILURES; n += 1) expect(await attempt(channel)).toMatchObject({ outcome: 'retry' });
      for (let n = 0; n < FAILURES; n += 1) {
        channel.answer = ASKS_NOBODY;
        expect(await attempt(channel)).toMatchObject({ outcome: 'retry', reason: 'connection_failed' });
        channel.answer = FAILS;
        expect(await attempt(channel)).toMatchObject({ outcome: 'retry', reason: 'provider_error' });
      }
      expect(await attempt(channel)).toMatchObject({ outcome: 'released' });
    });

    it('goes on leaving it alone while another channel has very many providers', async () => {
      const breakers = new Breakers(metrics, log);
      deliver = new Deliver(breakers, metrics, log, undefined, () => 0.5);
      const mail = new ChannelByHand({ channel: 'email' });
      await fail(mail);
      for (let nth = 0; nth <= MAX_PROVIDERS; nth += 1) breakers.of({ channel: 'push' }, `user:${nth}`);
      expect(await attempt(mail)).toMatchObject({ outcome: 'released' });
    });

    it('tries it with the next delivery when the first one after the pause asked no provider', async () => {
      const channel = new ChannelByHand();
      await fail(channel);
      await jest.advanceTimersByTimeAsync(FIRST_PAUSE_MS);
      channel.answer = ASKS_NOBODY;
      for (let n = 0; n < 3; n += 1)
        expect(await attempt(channel)).toMatchObject({ outcome: 'retry', reason: 'connection_failed' });
      channel.answer = FAILS;
      expect(await attempt(channel)).toMatchObject({ outcome: 'retry', reason: 'provider_error' });
      // the second pause, and no later one
      expect(await attempt(channel)).toMatchObject({ outcome: 'released', again_in_ms: 2 * FIRST_PAUSE_MS * 1.5 });
      await jest.advanceTimersByTimeAsync(2 * FIRST_PAUSE_MS);
      channel.answer = ASKS_NOBODY;
      await attempt(channel);
      channel.answer = SENT;
      for (let n = 0; n < 2; n += 1) expect(await attempt(channel)).toMatchObject({ outcome: 'sent' });
    });

    it('is counted as left alone while its deliveries come back, and not for ever when there are none', async () => {
      const channel = new ChannelByHand();
      await fail(channel);
      // what was given back is tried again after two pauses at most
      await jest.advanceTimersByTimeAsync(2 * FIRST_PAUSE_MS);
      expect(await breakersOpen()).toEqual([['webhook', 1]]);
      await jest.advanceTimersByTimeAsync(FIRST_PAUSE_MS);
      expect(await breakersOpen()).toEqual([['webhook', 0]]);
      // it is forgotten after a while: it begins anew
      await jest.advanceTimersByTimeAsync(10 * LONGEST_PAUSE_MS);
      expect(await breakersOpen()).toEqual([['webhook', 0]]);
      await fail(channel);
      expect(await breakersOpen()).toEqual([['webhook', 1]]);
      expect(await attempt(channel)).toMatchObject({ outcome: 'released', again_in_ms: FIRST_PAUSE_MS * 1.5 });
    });
  });
});
