import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

it('what is a short run, or none, in npm test is run whole by npm run test:faults', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const patterns = scripts['test:faults']!.split(/--only e2e /)[1]!
    .split(' ')
    .map((pattern) => new RegExp(pattern));
  const short = readdirSync(join(root, 'e2e'), { recursive: true, encoding: 'utf8' })
    .filter(
      (file) =>
        /\.whole\.(load\.)?e2e\.spec\.ts$/.test(file) ||
        (file.endsWith('.e2e.spec.ts') &&
          /\b(SIZE_NOTE|describeWhole|todaysPart)\b/.test(readFileSync(join(root, 'e2e', file), 'utf8'))),
    )
    .map((file) => `e2e/${file}`);
  expect(short.length).toBeGreaterThan(10);
  expect(short.filter((file) => !patterns.some((pattern) => pattern.test(file)))).toEqual([]);
});
