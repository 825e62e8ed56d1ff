import { createLogger } from '@tocsin/observability';
import { PlainDrops } from './plain-drops';

test('plain messages are warned of with their topics, once a minute', () => {
  const warnings: Record<string, unknown>[] = [];
  const log = createLogger({
    app: 'test',
    destination: { write: (line: string) => void warnings.push(JSON.parse(line) as Record<string, unknown>) },
  });
  let now = 0;
  const drops = new PlainDrops(log, () => now);

  drops.dropped('alerts:north');
  expect(warnings).toEqual([
    expect.objectContaining({ level: 'warn', topic: 'alerts:north', messages: 1, topics: ['alerts:north'] }),
  ]);

  for (let n = 0; n < 100; n += 1) drops.dropped(`alerts:t${n % 20}`);
  now = 59_999;
  drops.dropped('alerts:north');
  expect(warnings).toHaveLength(1);

  now = 60_000;
  drops.dropped('alerts:south');
  expect(warnings).toHaveLength(2);
  expect(warnings[1]).toMatchObject({ topic: 'alerts:south', messages: 102 });
  expect(warnings[1]!.topics).toHaveLength(10);
});
