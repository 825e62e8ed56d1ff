import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAlertMessage } from '@tocsin/messages';
import { patched } from '../e2e/faults/built-copy';
import { RECIPE } from '../e2e/a-field-more/recipe';

// A field more, in a copy of the tree: how many files it takes, and whether it then comes through everywhere.

const root = join(__dirname, '..');
const MOST_FILES = 6;
/** A message that does not say the field. */
const MESSAGE = JSON.stringify({
  id: 'm',
  tenant_id: 'bakery',
  service: 'inventory',
  severity: 'high',
  labels: { site: 'north' },
});

const files = [...new Set(RECIPE.map(({ file }) => file))];

/** Runs as a test in the copy, and is none here. */
const FACTS = join('e2e', 'a-field-more', 'goes-through.spec.ts');

let copy: string;
beforeAll(() => {
  mkdirSync(join(root, '.tocsin'), { recursive: true });
  copy = mkdtempSync(join(root, '.tocsin', 'a-field-more-'));
  for (const name of [
    'libs',
    'apps/gateway',
    'tsconfig.json',
    'jest.config.cjs',
    'package.json',
    'scripts/slow-first.cjs',
  ])
    cpSync(join(root, name), join(copy, name), { recursive: true, filter: (path) => !/\.spec\.tsx?$/.test(path) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const step of RECIPE) {
    const at = join(copy, step.file);
    writeFileSync(at, 'text' in step ? step.text : patched(readFileSync(at, 'utf8'), step));
  }
  mkdirSync(join(copy, 'e2e', 'a-field-more'), { recursive: true });
  cpSync(join(root, 'e2e', 'a-field-more', 'goes-through.ts'), join(copy, FACTS));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** Fails with all that the program had to say. */
function run(program: string, args: string[], env: NodeJS.ProcessEnv = {}): void {
  const options: ExecFileSyncOptions = { cwd: copy, stdio: 'pipe', env: { ...process.env, ...env } };
  try {
    execFileSync(process.execPath, [join(root, 'node_modules', ...program.split('/')), ...args], options);
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    throw new Error(`${program}:\n${String(stdout)}${String(stderr)}`, { cause: error });
  }
}

it(`a field more touches at most ${MOST_FILES} production files, and CONTRIBUTING.md lists them`, () => {
  expect(files.length).toBeLessThanOrEqual(MOST_FILES);
  const [, section = ''] = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8').split('\n### Adding a field\n');
  const listed = [...section.split('\n#')[0]!.matchAll(/^\d+\. \[?`([^`]+)`/gm)].map(([, file]) => file!);
  const isMigration = (file: string) => file.startsWith('libs/postgres/src/migrations/');
  expect(listed.filter((file) => !isMigration(file)).sort()).toEqual(files.filter((file) => !isMigration(file)).sort());
  expect(listed.filter(isMigration)).toHaveLength(1);
});

it('these files are all that the compiler asks for', () => {
  const config = {
    extends: './tsconfig.json',
    files: ['libs/contracts/src/index.ts', 'libs/postgres/src/index.ts', 'apps/gateway/src/docs/message-schema.ts'],
    include: [],
    compilerOptions: { noEmit: true, types: ['node'] },
  };
  writeFileSync(join(copy, 'tsconfig.a-field-more.json'), JSON.stringify(config));
  run('typescript/bin/tsc', ['-p', 'tsconfig.a-field-more.json']);
}, 120_000);

it('the field then goes through, on the embedded database', () => {
  const parsed = parseAlertMessage(Buffer.from(MESSAGE), {}, 'strict');
  const known = { MESSAGE, BODY_HASH: parsed.ok ? parsed.body_hash : 'none' };
  const facts = ['--selectProjects=unit', '--runTestsByPath', join(copy, FACTS)];
  run('jest/bin/jest.js', ['--config', join(copy, 'jest.config.cjs'), ...facts], known);
}, 120_000);
