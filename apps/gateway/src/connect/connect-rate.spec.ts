import { ConnectRate } from './connect-rate';

describe('the rate at which a user connects', () => {
  let nowMs: number;
  beforeEach(() => (nowMs = 0));
  const rate = (perSecond = 5, maxUsers?: number) => new ConnectRate(perSecond, () => nowMs, maxUsers);
  const granted = (from: ConnectRate, attempts: number, user = 'ada') =>
    Array.from({ length: attempts }, () => from.allows(user)).filter(Boolean).length;

  test('is twenty at once and five a second from then on', () => {
    const connects = rate();
    expect(granted(connects, 100)).toBe(20);
    nowMs += 199;
    expect(granted(connects, 10)).toBe(0);
    nowMs += 1;
    expect(granted(connects, 10)).toBe(1);
    nowMs += 1_000;
    expect(granted(connects, 10)).toBe(5);
    nowMs += 60_000;
    expect(granted(connects, 100)).toBe(20);
  });

  test('is not reduced by refused attempts', () => {
    const connects = rate();
    granted(connects, 20);
    for (let ms = 0; ms < 1_000; ms += 10) {
      nowMs += 10;
      connects.allows('ada');
    }
    nowMs += 200;
    expect(connects.allows('ada')).toBe(true);
  });

  test('is counted for each user separately', () => {
    const connects = rate();
    granted(connects, 100);
    expect(granted(connects, 100, 'bob')).toBe(20);
  });

  test('below one a second still admits one connection', () => {
    const connects = rate(0.1);
    expect(granted(connects, 5)).toBe(1);
    nowMs += 10_000;
    expect(granted(connects, 5)).toBe(1);
  });

  test('of 0 is no limit, and remembers no user', () => {
    const connects = rate(0);
    expect(granted(connects, 1_000)).toBe(1_000);
    expect(connects.size).toBe(0);
  });

  test('is remembered until the bucket is full again, and for a limited number of users', () => {
    const connects = rate(5, 100);
    for (let user = 0; user < 1_000; user += 1) connects.allows(`user-${user}`);
    expect(connects.size).toBe(100);
    nowMs += 4_000;
    connects.allows('ada');
    expect(connects.size).toBe(1);
  });
});
