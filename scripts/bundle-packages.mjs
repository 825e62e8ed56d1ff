// Puts the npm packages that the built apps import into one file, `dist/node_modules/.packages/packages.cjs`, so that
// an app starts in half of the time: it reads one file where it would look for 1,200, and V8 finds the code compiled
// already.
//
// The apps are not changed: Node looks for `zod` in `dist/node_modules` before it looks in the `node_modules` above,
// and finds a line there that takes it from the bundle. Without the bundle everything works as well, only slower.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execPath, exit, stderr, version } from 'node:process';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const to = join(dist, 'node_modules', '.packages');
const bundle = join(to, 'packages.cjs');
const stamp = join(to, 'made-of');
const loader = join(root, 'scripts', 'bundled-packages', 'load.cjs');

/** Packages that read files beside their own code; they depend on no other package. */
const LEFT_OUT = ['@electric-sql/pglite', 'swagger-ui-dist'];
/** What Nest loads by a name that it puts together. */
const LOADED_BY_NAME = ['@nestjs/platform-express'];

/** The packages, and files of packages, that the built apps and libraries require or import. */
function importedNames() {
  const folders = readdirSync(join(dist, 'apps')).filter((name) => name !== 'dashboard');
  const files = [...folders.map((name) => join('apps', name)), 'libs'].flatMap((folder) =>
    readdirSync(join(dist, folder), { recursive: true })
      .filter((name) => name.endsWith('.js'))
      .map((name) => join(dist, folder, name)),
  );
  const names = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\b(?:require|import)\("(?!node:)([^."/][^"]*)"\)/g)].map(
      ([, name]) => name,
    ),
  );
  return [...new Set([...names, ...LOADED_BY_NAME])].filter((name) => !LEFT_OUT.includes(name)).sort();
}

const ENTRY = '\0packages';

/** The entry of the bundle: a function for each name, so that a package runs only in an app that requires it. */
const entryOf = (names) => ({
  name: 'entry',
  resolveId: {
    order: 'pre',
    async handler(name, importer, options) {
      if (name === ENTRY) return ENTRY;
      if (/^[./\0]|^node:/.test(name)) return undefined;
      const found = await this.resolve(name, importer === ENTRY ? join(root, 'package.json') : importer, {
        ...options,
        skipSelf: true,
      });
      // what a package can do without and we have not installed
      return found ?? { id: name, external: true };
    },
  },
  load: (id) =>
    id === ENTRY
      ? {
          code: `module.exports = {${names.map((name) => `${JSON.stringify(name)}: () => require(${JSON.stringify(name)})`).join()}};`,
          moduleType: 'js',
        }
      : undefined,
});

async function makeBundle(names) {
  const build = await rolldown({
    input: ENTRY,
    cwd: root,
    platform: 'node',
    external: LEFT_OUT,
    plugins: [entryOf(names)],
    // terminus looks beside itself for packages that we do not use
    checks: { emptyImportMeta: false },
  });
  // not minified: the lines of a stack trace can be read
  const { output } = await build.generate({
    format: 'cjs',
    codeSplitting: false,
    keepNames: true,
    comments: false,
    // `import()` becomes `require()`: Node 20 refuses one in code that V8 has compiled before
    dynamicImportInCjs: false,
  });
  await build.close();
  writeFileSync(bundle, inAscii(output[0].code), 'latin1');
}

/**
 * The same code without a character beyond ASCII: as a string it takes a byte a character and not two, 20 MB less a
 * process.
 */
const inAscii = (code) =>
  transformSync(code, {
    swcrc: false,
    configFile: false,
    isModule: false,
    jsc: { target: 'esnext', parser: { syntax: 'ecmascript' }, output: { charset: 'ascii' } },
  }).code;

/** The file that Node finds for a name: `zod/index.js`, `nodemailer/lib/mail-composer.js`. */
function writeDoor(name) {
  const isWhole = /^(@[^/]+\/)?[^/]+$/.test(name);
  const path = isWhole ? `${name}/index.js` : `${name.replace(/\.js$/, '')}.js`;
  const up = '../'.repeat(path.split('/').length - 1);
  mkdirSync(dirname(join(dist, 'node_modules', path)), { recursive: true });
  writeFileSync(
    join(dist, 'node_modules', path),
    `module.exports = require('${up}.packages/load.cjs')[${JSON.stringify(name)}]();\n`,
  );
}

const names = importedNames();
const madeOf = createHash('sha256')
  .update(JSON.stringify([version, names]))
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(readFileSync(fileURLToPath(import.meta.url)))
  .update(readFileSync(loader))
  .digest('hex');
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === madeOf) exit(0);

rmSync(join(dist, 'node_modules'), { recursive: true, force: true });
mkdirSync(to, { recursive: true });
await makeBundle(names);
copyFileSync(loader, join(to, 'load.cjs'));
for (const name of names) writeDoor(name);
// in a process of its own, which runs every package once: what has run is what is kept compiled
const { status, stderr: why } = spawnSync(execPath, [join(root, 'scripts', 'bundled-packages', 'compile.cjs'), to], {
  encoding: 'utf8',
});
if (status !== 0) {
  stderr.write(why);
  exit(1);
}
writeFileSync(stamp, madeOf);
