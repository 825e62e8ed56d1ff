import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { DRIVERS } from './boundaries/drivers';
import { PARTS } from './boundaries/parts';
import { PLACES } from './boundaries/places';
import type { Planted } from './boundaries/planted';
import { RIGHTFUL } from './boundaries/rightful';
import { SINGLE_FILES } from './boundaries/single-files';

const root = join(__dirname, '..');
// A policy that matches nothing looks exactly like one that is obeyed, so each policy has a breach.
const breaches = [...PARTS, ...PLACES, ...DRIVERS, ...SINGLE_FILES];

/**
 * ESLint reads its configuration with a dynamic import, which Jest's sandbox does not support. So one process of its
 * own checks all breaches.
 */
const program = `
  import { ESLint } from 'eslint';
  const eslint = new ESLint();
  let input = '';
  for await (const chunk of process.stdin) input += chunk;
  const found = [];
  for (const { file, text } of JSON.parse(input)) {
    const [result] = await eslint.lintText(text + '\\n', { filePath: file });
    found.push(result.messages.map(({ ruleId, message }) => (ruleId ?? 'parser') + ': ' + message));
  }
  process.stdout.write(JSON.stringify(found));
`;

const planted = [...breaches, ...RIGHTFUL];
let found: string[][];

beforeAll(() => {
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    input: JSON.stringify(planted.map(({ file, text }) => ({ file, text }))),
    encoding: 'utf8',
    timeout: 60_000,
  });
  found = JSON.parse(output) as string[][];
}, 60_000);

const saidOf = ({ fact }: Planted) => found[planted.findIndex((one) => one.fact === fact)];

describe('the dependency rule', () => {
  test.each(breaches)('$fact', (breach) => {
    expect(saidOf(breach)).toEqual(expect.arrayContaining([expect.stringMatching(breach.says!)]));
  });

  test.each(RIGHTFUL)('$fact: allowed', (right) => {
    expect(saidOf(right)).toEqual([]);
  });
});
