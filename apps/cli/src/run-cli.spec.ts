import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS, runCli } from './run-cli';
import { PlayedTerminal } from './testing/played-terminal';

const run = async (args: string[], environment: Record<string, string> = {}) => {
  const terminal = new PlayedTerminal(environment);
  return { exitCode: await runCli(args, terminal), out: terminal.stdout.join('\n'), err: terminal.stderr.join('\n') };
};
const names = COMMANDS.map(({ name }) => name);

test.each([['--help'], ['-h'], ['help']])('%s lists every command and the exit codes', async (word) => {
  const { exitCode, out } = await run([word]);
  expect(exitCode).toBe(0);
  for (const { name, called } of COMMANDS) expect(out).toContain(`  ${called ?? `npm run ${name}`} `);
  expect(out).toContain('78 the configuration is wrong');
});

test.each(names)(
  '%s --help says what it is for, each option, the variables that act, and an example to paste',
  async (name) => {
    const command = COMMANDS.find((one) => one.name === name)!;
    const { exitCode, out, err } = await run([name, '--help']);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toContain(command.purpose);
    for (const option of Object.keys(command.options)) expect(out).toMatch(new RegExp(`^  --${option}\\b.* \\w`, 'm'));
    for (const variable of Object.keys(command.settings))
      expect(out).toMatch(new RegExp(`^  ${variable} +[A-Z\`]`, 'm'));
    for (const example of command.examples) expect(out).toContain(example);
    expect(command.examples.join()).toMatch(new RegExp(`(npm (run )?(-s )?(tocsin -- )?|tocsin )${command.name}`));
    expect(out).toMatch(
      /^Exit codes:\n {2}0 +\w[^]*\n {2}1 +\w[^]*\n {2}2 +the command line is wrong\n {2}78 +the configuration is wrong$/m,
    );
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(170);
    expect((await run(['help', name])).out).toBe(out);
  },
);

test('every command but those that only follow or print for a shell has --json', () => {
  const without = COMMANDS.filter(({ options }) => !('json' in options)).map(({ name }) => name);
  expect(without).toEqual(['demo', 'completion']);
});

test('installed as a package, help and errors name tocsin and not the scripts of npm', async () => {
  const runInstalled = async (...args: string[]) => {
    const terminal = new PlayedTerminal();
    terminal.calling = 'tocsin';
    await runCli(args, terminal);
    return [...terminal.stdout, ...terminal.stderr].join('\n');
  };
  const help = await Promise.all(names.map((name) => runInstalled(name, '--help')));
  const said = [await runInstalled('--help'), ...help, await runInstalled('token')];
  expect(said.join('\n')).not.toMatch(/npm/);
  for (const name of names) expect(said[0]).toMatch(new RegExp(`^  tocsin ${name} `, 'm'));
  expect(help.join('\n')).toContain('Usage: tocsin migrate [apply|status] [options]');
  expect(help.join('\n')).toContain('TOKEN=$(tocsin token --scope alerts:read,events:publish --expires 30m)');
  expect(said.at(-1)).toContain('`tocsin start` makes one');
});

test('--version is that of the project', async () => {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8')) as { version: string };
  expect(await run(['--version'])).toEqual({ exitCode: 0, out: version, err: '' });
});

test('help is shown for any other arguments on the line, and never shows a value of the environment', async () => {
  const { exitCode, out } = await run(['publish', '--nonsense', '-h'], {
    JWT_SECRET: 'canary',
    RABBITMQ_URL: 'amqp://canary',
    PORT: '4711',
  });
  expect(exitCode).toBe(0);
  expect(out).not.toMatch(/canary|4711/);
});

test.each([
  [
    [],
    'Which command? start, migrate, tenants, token, publish, demo, tail, alerts, dead-letters, deliveries, doctor, bench, vapid-keys, completion; --help says more.',
  ],
  [['pubish'], 'There is no command pubish. Did you mean publish?'],
  [['frobnicate'], 'There is no command frobnicate. --help lists them.'],
  [['token', '--usr', 'x'], 'There is no option --usr. Did you mean --user?'],
  [['token', '--frobnicate'], 'There is no option --frobnicate.'],
  [['token', '-x'], 'There is no option -x.'],
  [['token', '--user'], '--user needs a value.'],
  [['token', '--user', '--scope', 'alerts:read'], '--user needs a value.'],
  [['demo', '--once=yes'], '--once takes no value.'],
  [['tenants', 'add'], 'add needs a tenant, such as north-bakery.'],
  [['tenants', 'add', 'a bakery', '--user', 'ana'], 'A tenant is an id of 1 to 64 of A-Z a-z 0-9 . _ -.'],
  [['tenants', 'add', 'bakery'], 'add needs a --user, such as ana@example.test.'],
  [['tenants', 'list', 'bakery', '--user', 'ana'], 'list takes a --user and no tenant: members takes one.'],
  [['tenants', 'members', 'bakery', '--user', 'ana'], 'members takes no --user: list does.'],
  [['tenants', 'remove', 'bakery', '--user', 'ana', '--role', 'owner'], '--name and --role are for add.'],
  [['dead-letters'], 'dead-letters does what? list, show, redrive, discard; --help says more.'],
  [['dead-letters', 'lst'], 'dead-letters does not lst. Did you mean list?'],
  [['dead-letters', 'resurrect'], 'dead-letters does not resurrect. It does list, show, redrive, discard.'],
  [['dead-letters', 'show'], 'show needs the number of a letter, such as 42.'],
  [['dead-letters', 'show', 'x'], 'show needs the number of a letter, such as 42.'],
  [['dead-letters', 'redrive'], 'redrive needs the number of a letter, or --all.'],
  [['dead-letters', 'redrive', '1', '--all'], 'redrive takes the number of a letter or --all, not both.'],
  [
    ['dead-letters', 'redrive', '1', '--reason', 'too_deep'],
    '--reason is for list and --all: one letter is named by its number.',
  ],
  [['dead-letters', 'discard', '1'], 'discard needs a --note that says why.'],
  [
    ['dead-letters', 'redrive', '--all', '--status', 'discarded'],
    '--status is for list: redrive decides open letters.',
  ],
  [
    ['dead-letters', 'discard', '--all', '--note', 'a test', '--limit', '5'],
    '--limit is for list: discard decides open letters.',
  ],
  [['dead-letters', 'redrive', '--all', '--cursor', '42'], '--cursor is for list: redrive decides open letters.'],
  [['dead-letters', 'show', '42', '--status', 'open'], '--status is for list: one letter is named by its number.'],
  [['deliveries', 'redrive', '--all', '--tenant', 'a', '--status', 'failed', '--limit', '5'], '--limit is for list.'],
  [['deliveries', 'redrive', '--all', '--tenant', 'a', '--status', 'failed', '--after', 'b'], '--after is for list.'],
  [['deliveries', 'show', 'a', '--tenant', 'a', '--limit', '5'], '--limit is for list.'],
  [['alerts', 'ack', 'a', '--limit', '5'], '--limit is for list: ack takes ids.'],
  [['dead-letters', 'list', '1'], 'list takes no number: show does.'],
  [['dead-letters', 'list', '--limit', '0'], '--limit is a whole number from 1 to 500.'],
  [
    ['doctor', '--origin', 'https://app.example.com/'],
    '--origin is what a browser sends, such as https://app.example.com.',
  ],
  [['doctor', '--admin', 'localhost:9090'], '--url and --admin are http or https addresses.'],
  [['doctor', '--seconds', '0'], '--seconds is a number from 1 to 7200.'],
  [['migrate', 'now'], 'migrate does not now. It does apply, status.'],
  [['migrate', 'status', 'now'], 'migrate takes options only: "now" is none.'],
  [['migrate', 'status', '--to', '9'], 'status changes nothing: it takes no --dry-run or --to.'],
  [['migrate', 'status', '--dry-run'], 'status changes nothing: it takes no --dry-run or --to.'],
  [['migrate', '--to', 'soon'], '--to is a whole number from 1 to 9999.'],
  [['publish', 'Flour', 'is', 'low'], 'publish takes one title, in quotes: "is" is one too many.'],
  [
    ['publish', '--service', 'inventory', '--severity', 'low'],
    'publish needs a title in quotes, such as "Flour is low", or a --file.',
  ],
  [
    ['publish', 'Flour is low', '--severity', 'low'],
    'publish needs --service: The service that raises the alert, such as inventory.',
  ],
  [['publish', 'Flour is low', '--service', 'inventory'], 'publish needs --severity: urgent, high, medium, low.'],
  [['publish', 'a', '--service', 'b', '--severity', 'low', '--label', 'no-value'], '--label is key=value.'],
  [['publish', 'a', '--service', 'b', '--severity', 'low', '--url', 'ftp://x'], '--url is an http or https address.'],
  [
    ['publish', 'a', '--service', 'b', '--severity', 'low', '--url', 'http://x', '--amqp'],
    '--url publishes over HTTP and --amqp does not: choose one.',
  ],
  [
    ['publish', '--file', 'a.json', '--severity', 'low'],
    '--file holds whole messages: --severity has no place beside it.',
  ],
  [['publish', '--file', 'a.json', 'title'], '--file holds whole messages: a title has no place beside it.'],
  [['bench', '--rate', '1000'], '--rate is a number from 0.1 to 200.'],
  [['bench', '--tenant', 'a b'], '--tenant is an id of 1 to 64 of A-Z a-z 0-9 . _ -.'],
  [['completion'], 'completion does what? bash, zsh, fish; --help says more.'],
  [['completion', 'csh'], 'completion does not csh. Did you mean zsh?'],
  [['start', 'now'], 'start takes options only: "now" is none.'],
  [['demo', '--rate', 'fast'], '--rate is a number from 0.01 to 1000.'],
  [['demo', '--count', '1.5'], '--count is a whole number from 1 to 1000000000.'],
  [['demo', '--tenant', 'a,b'], '--tenant is an id of 1 to 64 of A-Z a-z 0-9 . _ -.'],
  [
    ['token', '--scope', 'everything'],
    '--scope is one of alerts:read, alerts:write, events:publish, access:revoke, dead_letters:manage, ' +
      'dead_letters:operate.',
  ],
  [['token', '--expires', 'soon'], '--expires is a time such as 45s, 30m, 12h or 7d, at most 366d.'],
  [['token', '--expires', '0s'], '--expires is a time such as 45s, 30m, 12h or 7d, at most 366d.'],
  [['token', '--tenants', 'a b'], '--tenants are ids of 1 to 64 of A-Z a-z 0-9 . _ -, separated by commas.'],
])('%j is a wrong command line: one sentence, exit 2', async (args, sentence) => {
  expect(await run(args)).toEqual({ exitCode: 2, out: '', err: sentence });
});

test.each([
  [['migrate'], { DATABASE_URL: 'mysql://u:hush@db', DB_PORT: 'soon' }, ['DATABASE_URL', 'DB_PORT']],
  [['token'], { JWT_SECRET: 'hush' }, ['JWT_SECRET']],
  [['token'], { DATA_DIR: '/nowhere/at/all' }, ['JWT_SECRET is unset, and /nowhere/at/all/jwt-secret cannot be read']],
  [['token'], { JWT_JWKS_URL: 'https://id.example.com/hush' }, ['JWT_JWKS_URL is set']],
  [
    ['publish', 'a', '--service', 'b', '--severity', 'low'],
    { TOCSIN_URL: 'soon', PORT: 'soon', TOCSIN_TOKEN: 'hush hush' },
    ['TOCSIN_URL', 'PORT', 'TOCSIN_TOKEN'],
  ],
  [['publish', 'a', '--service', 'b', '--severity', 'low', '--amqp'], {}, ['RABBITMQ_URL is required']],
  [['demo'], { RABBITMQ_URL: 'http://u:hush@rabbit' }, ['RABBITMQ_URL']],
])(
  '%j with a wrong configuration names every variable and no secret: exit 78',
  async (args, environment, sentences) => {
    const { exitCode, out, err } = await run(args, environment as Record<string, string>);
    expect({ exitCode, out }).toEqual({ exitCode: 78, out: '' });
    for (const sentence of sentences) expect(err).toContain(sentence);
    expect(err.split('\n')).toHaveLength(sentences.length);
    expect(err).not.toContain('hush');
  },
);
