import { tenantIdOf, type Refused, type StreamHolder } from '@tocsin/contracts';
import type { StreamSlots, TakeResult } from '@tocsin/contracts/ports';
import { MemoryStreamSlots } from '@tocsin/embedded';
import { Metrics } from '@tocsin/observability';
import { Admission, type AdmissionLimits, type Release } from './admission';

const tenant = (name: string) => tenantIdOf(name)!;
const off: AdmissionLimits = { user: 0, tenant: 0, address: 0, connectsPerSecond: 0, maxStreams: 0 };
const aStream = (known: Partial<StreamHolder> = {}): StreamHolder => ({
  user: 'ada',
  tenant_ids: [tenant('acme')],
  address: '192.0.2.1',
  ...known,
});

/** Records what `Health` is told. */
class Readiness {
  readonly reasons = new Set<string>();
  changes = 0;
  ready(reason = 'starting'): void {
    this.changes += Number(this.reasons.delete(reason));
  }
  notReady(reason: string): void {
    this.changes += Number(!this.reasons.has(reason));
    this.reasons.add(reason);
  }
}

let readiness: Readiness;
let metrics: Metrics;
let nowMs: number;
beforeEach(() => {
  readiness = new Readiness();
  metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
  nowMs = 0;
});
const admission = (limits: Partial<AdmissionLimits>, slots: StreamSlots = new MemoryStreamSlots()) =>
  new Admission(slots, { ...off, ...limits }, metrics, readiness, () => nowMs);
const outcome = (admitting: Promise<Release>) =>
  admitting.then(
    () => 'admitted',
    (error: Refused) => error.code,
  );
const refusals = async () => {
  const { values } = await metrics.registry.getSingleMetric('tocsin_rate_limited_total')!.get();
  return Object.fromEntries(values.filter(({ value }) => value > 0).map(({ labels, value }) => [labels.scope, value]));
};

describe('a stream is admitted', () => {
  test.each([
    ['user', { user: 'bob' }],
    ['tenant', { tenant_ids: [tenant('globex')] }],
    ['address', { address: '192.0.2.2' }],
  ] as const)('while its %s has a place, and again when one is given back', async (scope, another) => {
    const gateway = admission({ [scope]: 2 });
    const release = await gateway.admit(aStream());
    await gateway.admit(aStream());
    expect(await outcome(gateway.admit(aStream()))).toBe('too_many_streams');
    expect(await outcome(gateway.admit(aStream(another)))).toBe('admitted');
    expect(await refusals()).toEqual({ [scope]: 1 });
    release();
    release();
    expect(await outcome(gateway.admit(aStream()))).toBe('admitted');
    expect(await outcome(gateway.admit(aStream()))).toBe('too_many_streams');
  });

  test('once for each request, even for identical requests', async () => {
    const gateway = admission({ user: 2 });
    const stream = aStream();
    const releases = [await gateway.admit(stream), await gateway.admit(stream)];
    expect(await outcome(gateway.admit(stream))).toBe('too_many_streams');
    for (const release of releases) release();
    expect(await Promise.all([1, 2, 3].map(() => outcome(gateway.admit(stream))))).toEqual([
      'admitted',
      'admitted',
      'too_many_streams',
    ]);
  });

  test('twenty times at once, and five times a second after that', async () => {
    const gateway = admission({ connectsPerSecond: 5 });
    for (let count = 0; count < 20; count += 1) (await gateway.admit(aStream()))();
    expect(await outcome(gateway.admit(aStream()))).toBe('rate_limited');
    expect(await outcome(gateway.admit(aStream({ user: 'bob' })))).toBe('admitted');
    nowMs += 200;
    expect(await outcome(gateway.admit(aStream()))).toBe('admitted');
    expect(await outcome(gateway.admit(aStream()))).toBe('rate_limited');
    expect(await refusals()).toEqual({ connects: 2 });
  });

  test('without limit where every limit is 0', async () => {
    const gateway = admission({});
    const answers = await Promise.all(Array.from({ length: 2_000 }, () => outcome(gateway.admit(aStream()))));
    expect(new Set(answers)).toEqual(new Set(['admitted']));
    expect(readiness.changes).toBe(0);
  });
});

describe('a gateway that is full', () => {
  test('refuses for now, and is not ready until a twentieth of it is free', async () => {
    const gateway = admission({ maxStreams: 40 });
    const releases: Release[] = [];
    for (let count = 0; count < 39; count += 1) releases.push(await gateway.admit(aStream()));
    expect([...readiness.reasons]).toEqual([]);
    releases.push(await gateway.admit(aStream()));
    expect([...readiness.reasons]).toEqual(['full']);
    expect(await outcome(gateway.admit(aStream()))).toBe('at_capacity');

    releases.pop()!();
    expect([...readiness.reasons]).toEqual(['full']);
    releases.push(await gateway.admit(aStream()));
    releases.pop()!();
    releases.pop()!();
    expect([...readiness.reasons]).toEqual([]);
    expect(readiness.changes).toBe(2);
  });

  test('is never exceeded by simultaneous streams, and takes no slot for those that it refuses', async () => {
    const slots = new SlowSlots();
    const gateway = admission({ maxStreams: 5, user: 1_000, connectsPerSecond: 5 }, slots);
    const asked = Promise.all(Array.from({ length: 50 }, () => outcome(gateway.admit(aStream()))));
    slots.answer('taken');
    expect((await asked).filter((answer) => answer === 'admitted')).toHaveLength(5);
    expect(slots.asked).toBe(5);
  });

  test('with one place admits again when the place is free', async () => {
    const gateway = admission({ maxStreams: 1 });
    (await gateway.admit(aStream()))();
    expect([...readiness.reasons]).toEqual([]);
    expect(await outcome(gateway.admit(aStream()))).toBe('admitted');
  });
});

test('a stream that is refused, or whose count fails, takes no place', async () => {
  const slots = new SlowSlots();
  const gateway = admission({ maxStreams: 1, user: 1 }, slots);
  for (const answer of [{ full: 'user' } as const, new Error('a defect'), { full: 'tenant' } as const]) {
    const refused = outcome(gateway.admit(aStream()));
    slots.answer(answer);
    expect(await refused).not.toBe('admitted');
  }
  const admitted = outcome(gateway.admit(aStream()));
  slots.answer('taken');
  expect(await admitted).toBe('admitted');
});

/** Slots that answer when the test tells them to. */
class SlowSlots implements StreamSlots {
  asked = 0;
  private waiting: { resolve: (result: TakeResult) => void; reject: (error: Error) => void }[] = [];
  take(): Promise<TakeResult> {
    this.asked += 1;
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }
  release(): void {}
  answer(result: TakeResult | Error): void {
    for (const { resolve, reject } of this.waiting.splice(0)) {
      if (result instanceof Error) reject(result);
      else resolve(result);
    }
  }
}
