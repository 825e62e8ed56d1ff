import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '..', '..');

/** Vite is an ES module, which Jest's sandbox does not load: it runs in a process of its own. */
const program = `
  import { build } from 'vite';
  const [entry, root] = process.argv.slice(1);
  const { output } = await build({
    configFile: false, root, logLevel: 'silent',
    resolve: { alias: {
      '@tocsin/contracts/wire': root + '/libs/contracts/src/wire.ts',
      '@tocsin/react-client/core': root + '/libs/react-client/src/core.ts',
      '@tocsin/react-client/inbox.css': root + '/libs/react-client/src/inbox/inbox.css',
      '@tocsin/react-client': root + '/libs/react-client/src/index.ts',
    } },
    oxc: { jsx: { runtime: 'automatic' } },
    build: { write: false, minify: false, modulePreload: false, cssCodeSplit: false, rollupOptions: { input: entry, output: { format: 'es', codeSplitting: false } } },
  });
  const text = (end) => output.filter(({ fileName }) => fileName.endsWith(end)).map(({ code, source }) => code ?? String(source)).join('');
  process.stdout.write(JSON.stringify({ js: text('.js'), css: text('.css') }));
`;

/** What a page loads: the source at `entry` with all that it imports, as one script, and its styles. */
export async function bundle(entry: string): Promise<{ js: string; css: string }> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program, join(root, entry), root],
    { cwd: root, maxBuffer: 32 * 1024 * 1024, timeout: 60_000 },
  );
  return JSON.parse(stdout) as { js: string; css: string };
}
