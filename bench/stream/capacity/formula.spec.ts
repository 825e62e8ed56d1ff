import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Numbers = Record<string, number>;

/** What an expression gives beside the modules of this folder, which Node alone can load. */
function evaluate<T>(expression: string): T {
  const script = `
    import * as formula from './formula.mjs';
    import { compare } from './report.mjs';
    console.log(JSON.stringify(${expression}));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: __dirname,
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (stderr) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}

const page = readFileSync(join(__dirname, '../../../docs/capacity.md'), 'utf8');
const valueOf = (cell: string) => Number(cell.replaceAll(',', ''));

it('docs/capacity.md quotes the constants of the formula', () => {
  const quoted = [...page.matchAll(/^\| `(\w+)` \| ([\d.,]+) \|/gm)].map(([, name, cell]) => [name, valueOf(cell!)]);
  expect(Object.fromEntries(quoted)).toEqual(evaluate<Numbers>('formula.CONSTANTS'));
});

it('docs/capacity.md works its example out as the formula does', () => {
  const { gatewayCores, gatewayMb, postgresCores, diskGb } = evaluate<Numbers>('formula.needsOf(formula.EXAMPLE)');
  const lines = [
    `= **${gatewayCores!.toFixed(2)} of a core** for each gateway`,
    `= **${gatewayMb!.toFixed(0)} MB** for each gateway`,
    `= **${postgresCores!.toFixed(2)} of a core** for PostgreSQL`,
    `= **${diskGb!.toFixed(0)} GB** of disk`,
  ];
  expect(lines.filter((line) => !page.includes(line))).toEqual([]);
});

it('two sizes give two constants, and one gives one', () => {
  const sizes = [
    { terms: { entryUs: 1, writeUs: 1_000 }, measured: 10_200 },
    { terms: { entryUs: 1, writeUs: 1 }, measured: 210 },
  ];
  expect(evaluate<Numbers>(`formula.solve(${JSON.stringify(sizes)})`)).toEqual({
    entryUs: expect.closeTo(200) as number,
    writeUs: expect.closeTo(10) as number,
  });
  expect(evaluate(`formula.solve([{ terms: { idBytes: 50 }, measured: 9_000 }])`)).toEqual({ idBytes: 180 });
});

it('a size that gives a constant does not check the formula', () => {
  const row = (name: string, size: { batch: number; gives?: true }) => ({ name, title: name, kind: 'batch', size });
  const rows = [
    row('one', { gives: true, batch: 1 }),
    row('many', { gives: true, batch: 500 }),
    row('some', { batch: 10 }),
  ];
  const results = [1_050, 52.1, 160].map((postgres_us_per_alert) => ({
    contenders: [{ median: { postgres_us_per_alert } }],
  }));
  const { found, checks } = evaluate<{ found: Numbers; checks: { title: string; run: number }[] }>(
    `compare(${JSON.stringify(rows)}, ${JSON.stringify(results)})`,
  );
  expect(found).toEqual({ alertUs: expect.closeTo(50.1) as number, batchUs: expect.closeTo(999.9) as number });
  expect(checks.map(({ title, run }) => [title, run])).toEqual([['some', expect.closeTo(150.09)]]);
});
