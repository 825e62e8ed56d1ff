// Makes a fresh clone ready: `node scripts/ready.mjs` installs the packages, `node scripts/ready.mjs build` also
// builds. It prints nothing when there is nothing to do, and is never silent for longer than three seconds when there
// is. It runs before any package is installed, so it imports only Node's own modules.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, env, exit, stderr, version } from 'node:process';
import { fileURLToPath } from 'node:url';

/** The first version of Node that loads ES modules by require() without a flag, which Nest 12 needs. */
const NODE_MINIMUM = [20, 19];
/**
 * The interval of progress lines. With the second or so in which the next program loads, no silence is longer than
 * three seconds.
 */
const SAY_EVERY_MS = 1_000;
/** On a terminal one line is updated in place; elsewhere each line stays. */
const TICK_MS = stderr.isTTY ? 500 : SAY_EVERY_MS;
const CLEAR = stderr.isTTY ? '\x1b[K' : '';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...parts) => join(root, ...parts);

/**
 * The hash of the lock file that the packages were installed from. It is in node_modules, so it is deleted with them.
 */
const INSTALLED_LOCK = at('node_modules', '.tocsin-lock');
/**
 * What `npm start` leaves for its start block, which prints these lines itself: `{ packages_ms?, packages_first_time?,
 * build_ms?, page_ms? }`, with nothing for a step that had nothing to do.
 */
const TIMINGS = at('.tocsin', 'ready.json');
const underStart = env.npm_lifecycle_event === 'start';

const [major, minor] = version.slice(1).split('.').map(Number);
if (major < NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor < NODE_MINIMUM[1])) {
  stderr.write(`Tocsin needs Node ${NODE_MINIMUM.join('.')} or newer; this is ${version.slice(1)}.\n`);
  exit(1);
}

const hashOf = (text) => createHash('sha256').update(text).digest('hex');
const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

/** The start time of each running program. */
const running = new Map();
let ticking;

function tick() {
  const each = [...running].map(
    ([what, startedAt]) => `  … ${what} (${Math.round((Date.now() - startedAt) / 1000)} s)`,
  );
  if (each.length > 0) stderr.write(stderr.isTTY ? `${each.join('')}${CLEAR}\r` : `${each.join('\n')}\n`);
}

/**
 * Runs a program without showing its output, and prints a line every few seconds. When the program fails, its output is
 * shown.
 */
function run(what, command, args) {
  const startedAt = Date.now();
  return new Promise((resolve) => {
    // Windows starts npm only through a shell.
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-20_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    running.set(what, startedAt);
    // the timer continues between two programs, so that the next one does not begin a new silence
    ticking ??= setInterval(tick, TICK_MS).unref();
    const end = (failure) => {
      running.delete(what);
      stderr.write(CLEAR);
      if (!failure) return resolve(Date.now() - startedAt);
      stderr.write(`${output}\n  ✗ ${what}: ${failure}\n`);
      exit(1);
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) =>
      end(code === 0 ? undefined : `ended with ${signal ?? code}; its output is above`),
    );
  });
}

const seconds = (ms) => (ms < 950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`);
const done = (step, ms, remark = '') => {
  if (!underStart) stderr.write(`  ✓ ${step.padEnd(9)} ${seconds(ms).padStart(5)}${remark && `   ${remark}`}\n`);
};

/**
 * Whether the user's own `npm ci` has installed exactly what the lock file says: npm keeps a list of what it installed.
 */
function alreadyInstalled(lockText) {
  const installedText = read(at('node_modules', '.package-lock.json'));
  if (!installedText) return false;
  const installed = JSON.parse(installedText).packages;
  return Object.entries(JSON.parse(lockText).packages).every(([path, { version, integrity, optional }]) => {
    const there = installed[path];
    return path === '' || (there ? there.version === version && there.integrity === integrity : optional);
  });
}

async function installPackages(timings) {
  const lockText = readFileSync(at('package-lock.json'), 'utf8');
  const lock = hashOf(lockText);
  if (read(INSTALLED_LOCK) === lock) return;
  if (alreadyInstalled(lockText)) return writeFileSync(INSTALLED_LOCK, lock);
  const firstTime = !existsSync(at('node_modules'));
  stderr.write(
    `Installing packages (about 30 s, ${firstTime ? 'first time only' : 'because package-lock.json changed'})…\n`,
  );
  // With NODE_ENV=production npm would leave out the packages that build and test.
  timings.packages_ms = await run('npm ci', 'npm', [
    'ci',
    '--include=dev',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  timings.packages_first_time = firstTime;
  writeFileSync(INSTALLED_LOCK, lock);
  done('packages', timings.packages_ms, firstTime ? '(first time only)' : '');
}

/** The documents that the guide is made of, where the clone has them. */
const documents = () =>
  [
    'README.md',
    'SECURITY.md',
    ...(existsSync(at('docs')) ? readdirSync(at('docs')).map((name) => `docs/${name}`) : []),
  ].filter((path) => path.endsWith('.md') && existsSync(at(path)));

/**
 * The two parts that are built, at the same time: Nest builds the servers, Vite builds the page. Each has sources of
 * its own, so that a change of one does not rebuild the other. The programs of a part run one after the other.
 */
const PARTS = [
  {
    step: 'build',
    timing: 'build_ms',
    stamp: at('dist', '.built'),
    isSource: (path) => !path.startsWith('apps/dashboard/') && !path.startsWith('libs/react-client/'),
    files: ['nest-cli.json', 'tsconfig.json', 'package-lock.json', 'scripts/bundle-packages.mjs'],
    // A built file whose source was deleted must not be found.
    clean() {
      const apps = existsSync(at('dist', 'apps')) ? readdirSync(at('dist', 'apps')) : [];
      for (const app of apps.filter((name) => name !== 'dashboard'))
        rmSync(at('dist', 'apps', app), { recursive: true, force: true });
      rmSync(at('dist', 'libs'), { recursive: true, force: true });
    },
    programs: [
      [at('node_modules', '@nestjs', 'cli', 'bin', 'nest.js'), 'build', '--all'],
      [at('scripts', 'bundle-packages.mjs')],
    ],
  },
  {
    step: 'page',
    timing: 'page_ms',
    stamp: at('dist', '.built-page'),
    isSource: (path) =>
      path.startsWith('apps/dashboard/') ||
      path.startsWith('libs/react-client/src/') ||
      path.startsWith('libs/contracts/src/wire/'),
    // the guide is made of the documents
    files: ['package-lock.json', ...documents()],
    clean: () => undefined, // Vite empties its folder itself
    programs: [[at('node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn', at('apps', 'dashboard')]],
  },
];

/** Every source with its size and time of change. */
function sources() {
  const found = [];
  const walk = (folder) => {
    for (const entry of readdirSync(at(folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      // what `npm pack` makes in a folder and removes again is no source
      if (/^(apps|libs)\/[^/]+\/lib$/.test(path)) continue;
      if (entry.isDirectory()) walk(path);
      else if (/\.(ts|tsx|mjs|sql|json|html|css|svg)$/.test(entry.name) && !/\.spec\.tsx?$/.test(entry.name))
        found.push(path);
    }
  };
  for (const folder of ['apps', 'libs']) walk(folder);
  return found;
}

async function build(timings) {
  const found = sources();
  const due = PARTS.flatMap((part) => {
    const made = [...found.filter(part.isSource), ...part.files].map((path) => ({ path, stat: statSync(at(path)) }));
    // The list itself counts as well: a deleted source leaves no newer file behind.
    const list = hashOf(made.map(({ path, stat }) => `${path} ${stat.size}`).join('\n'));
    const builtAt = existsSync(part.stamp) ? statSync(part.stamp).mtimeMs : 0;
    const upToDate = read(part.stamp) === list && made.every(({ stat }) => stat.mtimeMs <= builtAt);
    return upToDate || (part.step === 'page' && !existsSync(at('apps', 'dashboard'))) ? [] : [{ ...part, list }];
  });
  if (due.length === 0) return;
  stderr.write('Building…\n');
  await Promise.all(
    due.map(async ({ step, timing, stamp, list, clean, programs }) => {
      clean();
      timings[timing] = 0;
      for (const program of programs) timings[timing] += await run(step, process.execPath, program);
      writeFileSync(stamp, list);
      done(step, timings[timing]);
    }),
  );
}

const timings = {};
await installPackages(timings);
if (argv[2] === 'build') await build(timings);
if (underStart) {
  mkdirSync(at('.tocsin'), { recursive: true });
  writeFileSync(TIMINGS, JSON.stringify(timings));
}
