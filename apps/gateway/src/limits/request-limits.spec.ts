import { Unavailable } from '@tocsin/contracts';
import { RequestRates, type CountedRequest } from '@tocsin/contracts/ports';
import { OwnRequestRates } from './own-request-rates';
import { RequestLimits } from './request-limits';

const LIMITS = { user: 2, token: 0, address: 1 };
const SECOND = 1_000;

let now: number;
const own = (maxKeys?: number) => new OwnRequestRates(() => now, maxKeys);
beforeEach(() => (now = 0));

class Away extends RequestRates {
  override count(): Promise<CountedRequest> {
    return Promise.reject(new Unavailable('slots', 'away'));
  }
}

test('a request beyond its limit is refused until the minute of the first one is over', async () => {
  const limits = new RequestLimits(LIMITS, undefined, own());
  expect(await limits.count('user', 'ana')).toMatchObject({ limit: 2, remaining: 1, allowed: true, resetMs: 60_000 });
  now = 20 * SECOND;
  expect(await limits.count('user', 'ana')).toMatchObject({ remaining: 0, allowed: true, resetMs: 40_000 });
  expect(await limits.count('user', 'ana')).toMatchObject({ remaining: 0, allowed: false, resetMs: 40_000 });
  expect(await limits.count('user', 'ben')).toMatchObject({ allowed: true });
  now = 60 * SECOND;
  expect(await limits.count('user', 'ana')).toMatchObject({ remaining: 1, allowed: true });
});

test('a scope without a limit counts nothing, and one name in two scopes is counted twice', async () => {
  const limits = new RequestLimits(LIMITS, undefined, own());
  expect(await limits.count('token', 'same')).toBeUndefined();
  expect(await limits.count('address', 'same')).toMatchObject({ allowed: true });
  expect(await limits.count('user', 'same')).toMatchObject({ allowed: true });
});

test('a gateway counts for itself while the shared store is away', async () => {
  const limits = new RequestLimits(LIMITS, new Away(), own());
  expect(await limits.count('address', '192.0.2.1')).toMatchObject({ allowed: true });
  expect(await limits.count('address', '192.0.2.1')).toMatchObject({ allowed: false });
});

test('a gateway remembers a bounded number of keys: one too many forgets the one that asked longest ago', async () => {
  const rates = own(2);
  for (const key of ['a', 'b', 'a', 'c']) await rates.count(key);
  expect((await rates.count('a')).count).toBe(3);
  expect((await rates.count('b')).count).toBe(1);
});
