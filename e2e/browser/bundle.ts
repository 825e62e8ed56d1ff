import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '..', '..');

/** Vite runs in its own process, because it is an ES module and Jest's sandbox does not load those. */
const program = `
  import { build } from 'vite';
  const [entry, root] = process.argv.slice(1);
  const { output } = await build({
    configFile: false, root, logLevel: 'silent',
    resolve: { alias: [
      { find: '@tocsin/contracts/wire', replacement: root + '/libs/contracts/src/wire/index.ts' },
      { find: '@tocsin/react-client/core', replacement: root + '/libs/react-client/src/core.ts' },
      // also with a query, such as ?inline
      { find: /^@tocsin\\/react-client\\/inbox\\.css/, replacement: root + '/libs/react-client/src/inbox/inbox.css' },
      { find: '@tocsin/react-client', replacement: root + '/libs/react-client/src/index.ts' },
    ] },
    oxc: { jsx: { runtime: 'automatic' } },
    build: { write: false, minify: false, modulePreload: false, cssCodeSplit: false, rollupOptions: { input: entry, output: { format: 'es', codeSplitting: false } } },
  });
  const text = (end) => output.filter(({ fileName }) => fileName.endsWith(end)).map(({ code, source }) => code ?? String(source)).join('');
  process.stdout.write(JSON.stringify({ js: text('.js'), css: text('.css') }));
`;

/** Bundles the source at `entry` and everything that it imports into one script and one style sheet. */
export async function bundle(entry: string): Promise<{ js: string; css: string }> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program, join(root, entry), root],
    { cwd: root, maxBuffer: 32 * 1024 * 1024, timeout: 60_000 },
  );
  return JSON.parse(stdout) as { js: string; css: string };
}
