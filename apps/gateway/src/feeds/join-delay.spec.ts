import { joinMs, joinMsAt } from './join-delay';

it('nothing waits while the event loop has time to spare, and 25 ms at most when it has none', () => {
  expect([0, 0.3, 0.5].map(joinMsAt)).toEqual([0, 0, 0]);
  expect(joinMsAt(0.7)).toBeCloseTo(12.5);
  expect([0.9, 1, 1.2].map(joinMsAt)).toEqual([25, 25, 25]);
});

it('a process that was idle for long does not wait because of an old measurement', () => {
  expect(joinMs()).toBe(0);
});
