import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const run = promisify(execFile);
const root = join(__dirname, '..', '..');
/** The path of a file in this checkout's `node_modules`. */
export const bin = (...path: string[]) => join(root, 'node_modules', ...path);

/**
 * An empty project, as a user of `@tocsin/react-client` has it, with the packed package installed without a network.
 */
export class EmptyProject {
  private constructor(readonly folder: string) {}

  static async make(): Promise<EmptyProject> {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-react-client-'));
    const packed = join(folder, 'packed');
    await run(process.execPath, [join(root, 'scripts', 'pack-react-client.mjs'), packed]);
    const theirs = ['react', 'react-dom', 'scheduler', '@types/react', '@types/react-dom', 'csstype'].map((name) =>
      bin(name),
    );
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', packed, ...theirs], { cwd: folder });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const tarballs = readdirSync(packed).map((file) => join(packed, file));
    await run(
      'npm',
      ['install', '--offline', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', ...tarballs],
      { cwd: folder },
    );
    return new EmptyProject(folder);
  }

  /** Builds a page of one module with Vite, without configuration. Resolves to the folder with the files to serve. */
  async build(module: string, environment: Record<string, string> = { NODE_ENV: 'production' }): Promise<string> {
    const out = `built-${module.replace(/\.\w+$/, '')}`;
    writeFileSync(
      join(this.folder, 'index.html'),
      `<!doctype html><meta charset="utf-8"><div id="root"></div><script type="module" src="/${module}"></script>`,
    );
    await run(process.execPath, [bin('vite', 'bin', 'vite.js'), 'build', '--outDir', out, '--logLevel', 'error'], {
      cwd: this.folder,
      env: { ...process.env, ...environment },
    });
    return join(this.folder, out);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
