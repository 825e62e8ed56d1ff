import { processorReport } from './start-report';

const USUAL = {
  FOLD_WINDOW: 10,
  DELIVERIES: true,
  RETENTION_DAYS: 90,
  QUEUE: 'rabbitmq',
  BUS: 'redis',
  REDIS_PLAIN: 'off',
} as const;

test('the usual settings have no warning', () => {
  expect(processorReport(USUAL)).toEqual({
    enabled: ['storing', 'dead letters', 'folding of floods', 'deliveries', 'retention of 90 days'],
    warnings: [],
  });
});

test.each([
  [{ FOLD_WINDOW: 0 }, 'FOLD_WINDOW=0'],
  [{ DELIVERIES: false }, 'DELIVERIES=off'],
  [{ RETENTION_DAYS: 0 }, 'RETENTION_DAYS=0'],
])('%j is warned of, and not counted as enabled', (more, name) => {
  const { enabled, warnings } = processorReport({ ...USUAL, ...more });
  expect(warnings).toEqual([expect.stringContaining(name)]);
  expect(enabled).toHaveLength(4);
});

test('plain messages are named, and warned of', () => {
  const { enabled, warnings } = processorReport({ ...USUAL, REDIS_PLAIN: 'publish' });
  expect(enabled).toContain('plain messages in Redis');
  expect(warnings).toEqual([expect.stringContaining('REDIS_PLAIN=publish')]);
});

test('the bridge is named, and that it takes a message at most once', () => {
  const { enabled, warnings } = processorReport({ ...USUAL, REDIS_PLAIN: 'bridge' });
  expect(enabled).toContain('bridge from plain messages in Redis');
  expect(enabled).not.toContain('plain messages in Redis');
  expect(warnings).toEqual([
    expect.stringContaining('at most once'),
    expect.stringContaining('can raise alerts of any tenant'),
  ]);
  expect(processorReport({ ...USUAL, REDIS_PLAIN: 'both' }).warnings).toHaveLength(3);
});
