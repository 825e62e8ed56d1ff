import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { App, Environment, Program } from '../kit/processes';

const run = promisify(execFile);
const ROOT = join(__dirname, '..', '..');
/** What npm needs to find its registry and its cache. No other setting of the caller reaches the older build. */
const KEPT = /^(PATH|HOME|LANG|npm_config_(registry|cache|userconfig|cafile)|(https?|no)_proxy|NODE_EXTRA_CA_CERTS)$/i;
const kept = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => KEPT.test(name)));
const INSTALL_TIMEOUT_MS = 300_000;

/**
 * The apps as an earlier commit of this repository builds them, with the packages of its own lock file, in a temporary
 * folder. `remove` deletes it.
 */
export class OlderBuild {
  private readonly folder = join(mkdtempSync(join(tmpdir(), 'tocsin-older-')), 'tocsin');

  private constructor(readonly commit: string) {}

  /** Why this commit cannot be built here, or undefined. A shallow clone or an archive does not have it. */
  static whyNot(commit: string): string | undefined {
    const { status } = spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: ROOT });
    return status === 0 ? undefined : `this checkout does not have the commit ${commit} in its history`;
  }

  /** Clones, installs and builds. Rejects with the output of the command that failed. */
  static async of(commit: string): Promise<OlderBuild> {
    const build = new OlderBuild(commit);
    try {
      await run('git', ['clone', '--quiet', '--no-checkout', ROOT, build.folder]);
      await build.run('git', ['checkout', '--quiet', commit]);
      await build.run('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline']);
      await build.run('npm', ['run', 'build']);
    } catch (error) {
      build.remove();
      throw error;
    }
    return build;
  }

  program(app: App): Program {
    return { main: join(this.folder, 'dist', 'apps', app, 'src', 'main.js') };
  }

  /** Runs its `migrate` command. */
  async migrate(environment: Environment): Promise<void> {
    await this.run(process.execPath, [this.program('cli').main!, 'migrate'], environment);
  }

  remove(): void {
    rmSync(join(this.folder, '..'), { recursive: true, force: true });
  }

  private run(command: string, args: readonly string[], environment: Environment = {}) {
    return run(command, args, {
      cwd: this.folder,
      env: { ...kept(), ...environment },
      timeout: INSTALL_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
  }
}
