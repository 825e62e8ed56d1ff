import { Metrics } from '@tocsin/observability';
import { DeadLetterWatch } from './dead-letter-watch';
import { MemoryDeadLetters } from './testing/dead-letters-in-memory';

let letters: MemoryDeadLetters;
let metrics: Metrics;
let watch: DeadLetterWatch;
beforeEach(() => {
  letters = new MemoryDeadLetters();
  metrics = new Metrics({ version: '1', commit: '', tenantLimit: 0 });
  watch = new DeadLetterWatch(letters, metrics, () => Date.parse('2026-01-02T03:05:00.000Z'));
});
afterEach(() => {
  watch.stop();
  jest.useRealTimers();
});
const lines = async () =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('tocsin_dead_letter'));

it('tells how many are open by reason, and for how long the oldest has been', async () => {
  letters.add();
  letters.add({ buried_at: '2026-01-02T03:04:30.000Z' });
  letters.add({ reason: 'too_deep' });
  letters.add({ reason: 'too_deep', status: 'redriven' });
  await watch.look();
  expect(await lines()).toEqual([
    'tocsin_dead_letters{reason="invalid_field"} 2',
    'tocsin_dead_letters{reason="too_deep"} 1',
    'tocsin_dead_letter_oldest_age_seconds 55',
  ]);
});

it('tells 0 once none is left, so that an alarm ends', async () => {
  letters.add();
  await watch.look();
  letters.stored[0]!.status = 'discarded';
  await watch.look();
  expect(await lines()).toEqual([
    'tocsin_dead_letters{reason="invalid_field"} 0',
    'tocsin_dead_letter_oldest_age_seconds 0',
  ]);
});

it('reports nothing rather than stale numbers while the store is away', async () => {
  letters.add();
  await watch.look();
  letters.away = true;
  await watch.look();
  expect(await lines()).toEqual([]);
  letters.away = false;
  await watch.look();
  expect(await lines()).toHaveLength(2);
});

it('reads at once and every 15 s, and no more once it is stopped', () => {
  jest.useFakeTimers();
  const looked = jest.spyOn(letters, 'depth');
  watch.start();
  watch.start();
  expect(looked).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(14_999);
  expect(looked).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(1);
  expect(looked).toHaveBeenCalledTimes(2);
  watch.stop();
  jest.advanceTimersByTime(60_000);
  expect(looked).toHaveBeenCalledTimes(2);
});
