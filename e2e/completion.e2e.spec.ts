import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

// The scripts of `tocsin completion` in real shells, which ask the built command line.

const CLI = join(__dirname, '..', 'dist', 'apps', 'cli', 'src', 'tocsin.js');
const run = promisify(execFile);
const withZsh = process.env.SKIP_ZSH ? it.skip : it;
const withFish = process.env.SKIP_FISH ? it.skip : it;

jest.setTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), 'tocsin-completion-'));
const environment = { PATH: `${folder}:${process.env.PATH}`, HOME: folder, TERM: 'dumb' };
beforeAll(async () => {
  writeFileSync(join(folder, 'tocsin'), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'alerts.json'), '[]');
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await run('tocsin', ['completion', shell], { env: environment });
    writeFileSync(join(folder, `completion.${shell}`), stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const shell = async (command: string, ...args: string[]) => {
  const { stdout } = await run(command, args, { cwd: folder, env: environment });
  return stdout.split('\n').filter(Boolean);
};

const bash = (line: string) =>
  shell(
    'bash',
    '--norc',
    '-c',
    'source completion.bash; COMP_LINE=$1 COMP_POINT=${#1}; _tocsin; printf "%s\\n" "${COMPREPLY[@]}"; complete -p tocsin',
    'bash',
    line,
  );

it('bash: commands, values after a space, a comma, = and :, and files', async () => {
  const registered = expect.stringMatching(/^complete .*-F _tocsin tocsin$/);
  expect(await bash('tocsin de')).toEqual(['demo', 'dead-letters', 'deliveries', registered]);
  expect(await bash('tocsin migrate ')).toEqual(['apply', 'status', registered]);
  expect(await bash('tocsin tail --severity urgent,h')).toEqual(['urgent,high', registered]);
  // bash replaces what follows the last = or :
  expect(await bash('tocsin tail --severity=u')).toEqual(['urgent', registered]);
  expect(await bash('tocsin token --scope alerts:')).toEqual(['read', 'write', registered]);
  expect(await bash('tocsin publish --file al')).toEqual(['alerts.json', registered]);
});

withFish('fish: commands with their purpose, values and files', async () => {
  const fish = (line: string) => shell('fish', '--no-config', '-c', `source completion.fish; complete -C '${line}'`);
  expect(await fish('tocsin deli')).toEqual(['deliveries\tlists deliveries, and redrives failed ones']);
  expect((await fish('tocsin token --scope alerts:')).map((answer) => answer.split('\t')[0])).toEqual([
    'alerts:read',
    'alerts:write',
  ]);
  expect(await fish('tocsin publish --file al')).toEqual(['alerts.json']);
});

/** Types into a zsh on a terminal of its own until it shows what is expected. */
const IN_A_TERMINAL = `
zmodload zsh/zpty
zpty shell 'zsh -f -i'
zpty -w shell "autoload -U compinit; compinit -u -D; source completion.zsh; print -r -- READY''-NOW"
zpty -r shell shown '*READY-NOW*'
zpty -w -n shell "$1"$'\\t'
zpty -r shell shown "*$2*"
zpty -d shell
print -r -- found`;

withZsh('zsh: commands, values and files', async () => {
  const zsh = (line: string, shown: string) =>
    run('zsh', ['-f', '-c', IN_A_TERMINAL, 'zsh', line, shown], { cwd: folder, env: environment, timeout: 30_000 });
  for (const [line, shown] of [
    ['tocsin deli', 'deliveries'],
    ['tocsin migrate s', 'migrate status'],
    ['tocsin tail --severity=u', '--severity=urgent'],
    ['tocsin token --scope alerts:', 'alerts:write*What it allows'],
    ['tocsin publish --file al', 'erts.json'],
  ] as const)
    expect((await zsh(line, shown)).stdout).toBe('found\n');
});
