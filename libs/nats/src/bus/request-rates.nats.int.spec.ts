import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { describeWithNats, natsUrl, OwnNats } from '../testing';

const MINUTE_MS = 60_000;

describeWithNats('requests in NATS', () => {
  let nats: OwnNats;
  let proxy: FaultProxy;
  beforeEach(async () => {
    nats = await OwnNats.openBus();
    proxy = await FaultProxy.to(natsUrl());
  });
  afterEach(async () => {
    await nats.close();
    await proxy.close();
  });
  /** Counters that have read the log: the first request may come too early on a busy machine. */
  const begun = async (url = natsUrl()) => {
    const rates = nats.rates(nats.connection(url));
    await eventually(() => rates.count('first'));
    return rates;
  };

  it('each get a number of their own, of many at once through two gateways, and all the same end', async () => {
    const gateways = [await begun(), await begun()];
    const counted = await Promise.all(Array.from({ length: 50 }, (_, n) => gateways[n % 2]!.count('ana')));
    expect(counted.map(({ count }) => count).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 1),
    );
    for (const { resetMs } of counted) {
      expect(resetMs).toBeGreaterThan(MINUTE_MS / 2);
      expect(resetMs).toBeLessThanOrEqual(MINUTE_MS);
    }
    expect((await gateways[0]!.count('ben')).count).toBe(1);
  });

  it('are known to a gateway that starts later, and to one whose connection was cut', async () => {
    const [one, cutOff] = [await begun(), await begun(proxy.via(natsUrl()))];
    for (let count = 1; count <= 3; count += 1) expect((await one.count('ana')).count).toBe(count);
    expect((await (await begun()).count('ana')).count).toBe(4);
    proxy.cut();
    await eventually(async () => expect((await cutOff.count('ana')).count).toBeGreaterThanOrEqual(5));
  });

  it('cannot be counted while NATS is silent: that is known at once, and ends with the silence', async () => {
    const rates = await begun(proxy.via(natsUrl()));
    proxy.silence();
    const askedAt = performance.now();
    await expect(rates.count('ana')).rejects.toMatchObject({ name: 'Unavailable', role: 'slots' });
    expect(performance.now() - askedAt).toBeLessThan(400);
    proxy.silence(false);
    await eventually(async () => expect((await rates.count('ana')).count).toBeGreaterThan(1));
  });

  it('are passed over where they are no entries', async () => {
    const rates = await begun();
    nats.plain.publish(`${nats.prefix}bus-counts.requests`, 'no JSON');
    nats.plain.publish(`${nats.prefix}bus-counts.requests`, '{"id":"x"}');
    await nats.plain.flush();
    expect((await rates.count('ana')).count).toBe(1);
  });
});
