import fc from 'fast-check';
import type { SendOutcome } from '@tocsin/contracts';
import { DELIVERY_REASONS } from '@tocsin/contracts/wire';
import { JITTER, MAX_ANSWER_LENGTH, OVERLOAD_WAIT_MS, settlementOf, waitAfter, WAITS_MS } from './retry-policy';
import { aDelivery } from './testing/memory-queue';

const reason = fc.constantFrom(...DELIVERY_REASONS);
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempt = fc.integer({ min: 1, max: WAITS_MS.length });
const promise = fc.constantFrom('at_least_once' as const, 'at_most_once' as const);
const retryAfter = fc.oneof(fc.double(), fc.integer({ min: -1_000, max: 100_000_000 }));
const outcome: fc.Arbitrary<SendOutcome> = fc.oneof(
  fc.record({ outcome: fc.constant('sent' as const) }),
  fc.record({ outcome: fc.constantFrom('failed' as const, 'unknown' as const), reason }),
  fc.record({ outcome: fc.constant('retry' as const), reason, retry_after_ms: retryAfter }),
);
const LONG = Number.MAX_SAFE_INTEGER;
const isOverload = (one: string) => one === 'timeout' || one === 'rate_limited';

describe('the wait before the next attempt', () => {
  it('is 5 s, 30 s, 2 min, 10 min, 1 h and 6 h, and then there is none', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => waitAfter(n, 'provider_error', undefined, 0.5));
    expect(waits).toEqual([5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, undefined, undefined]);
  });

  it('lies within 20 % of the schedule, and is spread over all of it', () => {
    fc.assert(
      fc.property(attempt, reason, random, (n, why, at) => {
        const wait = waitAfter(n, why, undefined, at)!;
        const base = isOverload(why) ? Math.max(WAITS_MS[n - 1]!, OVERLOAD_WAIT_MS) : WAITS_MS[n - 1]!;
        expect(wait).toBeGreaterThanOrEqual(Math.floor(base * (1 - JITTER)));
        expect(wait).toBeLessThanOrEqual(Math.ceil(base * (1 + JITTER)));
      }),
    );
    expect(waitAfter(1, 'provider_error', undefined, 0)).toBe(4_000);
    expect(waitAfter(1, 'provider_error', undefined, 0.999_999)).toBe(6_000);
  });

  it('is at least a minute after a provider was too slow or asked for less', () => {
    fc.assert(
      fc.property(attempt, fc.constantFrom('timeout' as const, 'rate_limited' as const), random, (n, why, at) => {
        expect(waitAfter(n, why, undefined, at)).toBeGreaterThanOrEqual(OVERLOAD_WAIT_MS);
      }),
    );
  });

  it('is what the provider asks for, from the scheduled wait up to twice that, and never sooner than it asks', () => {
    fc.assert(
      fc.property(attempt, reason, retryAfter, random, (n, why, asked, at) => {
        const wait = waitAfter(n, why, asked, at)!;
        const base = isOverload(why) ? Math.max(WAITS_MS[n - 1]!, OVERLOAD_WAIT_MS) : WAITS_MS[n - 1]!;
        expect(Number.isInteger(wait)).toBe(true);
        expect(wait).toBeLessThanOrEqual(2 * base);
        if (!Number.isFinite(asked)) return;
        expect(wait).toBeGreaterThanOrEqual(base);
        if (asked <= 2 * base) expect(wait).toBeGreaterThanOrEqual(Math.floor(asked));
      }),
    );
    expect(waitAfter(1, 'rate_limited', 90_000, 0)).toBe(90_000);
    expect(waitAfter(1, 'rate_limited', 90_000, 0.5)).toBe(99_000);
    expect(waitAfter(1, 'rate_limited', 3_600_000, 0)).toBe(120_000);
    expect(waitAfter(2, 'provider_error', 1_000, 0)).toBe(30_000);
  });
});

describe('what follows from an attempt', () => {
  const settled = (result: SendOutcome, more: object = {}, n = 1) =>
    settlementOf(aDelivery({ attempt: n }), result, {
      promise: 'at_least_once',
      expiresInMs: LONG,
      random: 0.5,
      ...more,
    });

  it('is a settlement of that attempt, of which another one follows only after a retry or an unknown outcome', () => {
    fc.assert(
      fc.property(outcome, promise, fc.integer({ min: 1, max: 10 }), random, (result, promised, n, at) => {
        const delivery = aDelivery({ attempt: n });
        const settlement = settlementOf(delivery, result, { promise: promised, expiresInMs: LONG, random: at });
        expect(settlement).toMatchObject({ delivery_id: delivery.delivery_id, attempt: n });
        const repeats =
          n <= WAITS_MS.length &&
          (result.outcome === 'retry' || (result.outcome === 'unknown' && promised === 'at_least_once'));
        expect(settlement.outcome === 'retry').toBe(repeats);
        if (result.outcome === 'sent' || result.outcome === 'failed') expect(settlement.outcome).toBe(result.outcome);
      }),
    );
  });

  it('is never a second attempt where an unknown outcome could be sent twice', () => {
    fc.assert(
      fc.property(reason, fc.integer({ min: 1, max: 10 }), random, (why, n, at) => {
        const unknown: SendOutcome = { outcome: 'unknown', reason: why };
        expect(settled(unknown, { promise: 'at_most_once', random: at }, n)).toMatchObject(unknown);
      }),
    );
  });

  it('is the end after seven attempts: failed, or unknown when the last one may have been sent', () => {
    expect(settled({ outcome: 'retry', reason: 'provider_error' }, {}, 7)).toMatchObject({
      outcome: 'failed',
      reason: 'provider_error',
    });
    expect(settled({ outcome: 'unknown', reason: 'connection_lost' }, {}, 7)).toMatchObject({ outcome: 'unknown' });
  });

  it('is the whole schedule again after a redrive, while the numbers go on', () => {
    const retry: SendOutcome = { outcome: 'retry', reason: 'provider_error' };
    const redriven = (n: number) =>
      settlementOf(aDelivery({ attempt: n, attempts_before: 7 }), retry, {
        promise: 'at_least_once',
        expiresInMs: LONG,
        random: 0.5,
      });
    expect(redriven(8)).toMatchObject({ attempt: 8, outcome: 'retry', again_in_ms: 5_000 });
    expect(redriven(13)).toMatchObject({ outcome: 'retry', again_in_ms: 21_600_000 });
    expect(redriven(14)).toMatchObject({ attempt: 14, outcome: 'failed' });
  });

  it('is no attempt after the delivery is too old: it is due when it expires', () => {
    const retry: SendOutcome = { outcome: 'retry', reason: 'provider_error' };
    expect(settled(retry, { expiresInMs: 2_500.2 })).toMatchObject({ outcome: 'retry', again_in_ms: 2_501 });
    expect(settled(retry, { expiresInMs: -7 })).toMatchObject({ outcome: 'retry', again_in_ms: 0 });
    expect(settled(retry, { expiresInMs: Infinity })).toMatchObject({ outcome: 'retry', again_in_ms: 5_000 });
  });

  it('is no attempt used up where nothing was sent: the delivery comes back at random after the pause', () => {
    const heldBack: SendOutcome = { outcome: 'held_back', pause_ms: 10_000 };
    const later = (more: object, n?: number) => settled(heldBack, more, n);
    expect(later({ random: 0 })).toMatchObject({ outcome: 'released', again_in_ms: 10_000 });
    expect(later({ random: 0.999 })).toMatchObject({ outcome: 'released', again_in_ms: 19_990 });
    expect(later({}, 7)).toMatchObject({ outcome: 'released', attempt: 7, again_in_ms: 15_000 });
    expect(later({ expiresInMs: 4_000 })).toMatchObject({ outcome: 'released', again_in_ms: 4_000 });
  });

  it('is sent where the recipient was told in part and no attempt can follow', () => {
    const retry: SendOutcome = { outcome: 'retry', reason: 'provider_error', answer: '1 of 2', told: true };
    const heldBack: SendOutcome = { outcome: 'held_back', pause_ms: 10_000, answer: '1 of 2', told: true };
    expect([settled(retry), settled(heldBack)]).toMatchObject([{ outcome: 'retry' }, { outcome: 'released' }]);
    const sent = { outcome: 'sent', answer: '1 of 2', provider_id: null };
    expect(settled(retry, { expiresInMs: 5_000 })).toMatchObject(sent);
    expect(settled(heldBack, { expiresInMs: 15_000 })).toMatchObject(sent);
    expect(settled(retry, {}, 7)).toMatchObject(sent);
  });

  it('keeps the beginning of the answer as text that a database can store, and the id of the provider', () => {
    expect(settled({ outcome: 'sent', answer: '250 OK', provider_id: 'SM1' })).toMatchObject({
      answer: '250 OK',
      provider_id: 'SM1',
    });
    expect(settled({ outcome: 'sent' })).toMatchObject({ answer: null, provider_id: null });
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (answer) => {
        const kept = settled({ outcome: 'failed', reason: 'rejected', answer: `${answer}\0\uD800` });
        expect(kept).toMatchObject({ answer: expect.not.stringContaining('\0') as string });
        const { answer: text } = kept as { answer: string };
        expect(text.length).toBeLessThanOrEqual(MAX_ANSWER_LENGTH);
        expect(text.isWellFormed()).toBe(true);
      }),
    );
  });
});
