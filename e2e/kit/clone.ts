import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');
/**
 * The variables that npm needs to find its registry and its cache. No other setting of the caller reaches a clone, and
 * not the npm that may run the tests.
 */
const KEPT = /^(PATH|HOME|LANG|npm_config_(registry|cache|userconfig|cafile)|(https?|no)_proxy|NODE_EXTRA_CA_CERTS)$/i;

/** A command as a user types it into a terminal: its output, and its longest silence. */
export class Typed {
  output = '';
  /** The longest time between two pieces of output, or from the start to the first one. Milliseconds. */
  longestSilenceMs = 0;
  readonly exit: Promise<number | string>;
  private readonly child: ChildProcess;
  private lastAt = performance.now();

  constructor(command: string, folder: string, environment: NodeJS.ProcessEnv) {
    // a process group of its own: Ctrl+C at a terminal reaches all of it, and so does the end of the test
    this.child = spawn('sh', ['-c', command], {
      cwd: folder,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const from of [this.child.stdout!, this.child.stderr!])
      from.on('data', (chunk: Buffer) => this.hear(chunk.toString()));
    this.exit = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(signal ?? code ?? '')));
  }

  /** The rest of the output line that begins with this name. */
  printed(name: string): string {
    const line = new RegExp(`^ *${name} +(.+)$`, 'm').exec(this.output)?.[1];
    if (!line) throw new Error(`no line "${name}" in:\n${this.output}`);
    return line;
  }

  interrupt(): Promise<number | string> {
    this.signal('SIGINT');
    return this.exit;
  }

  /** Whether a process of the command still runs. */
  get isAlive(): boolean {
    return this.signal(0);
  }

  kill(): void {
    this.signal('SIGKILL');
  }

  private signal(signal: NodeJS.Signals | 0): boolean {
    try {
      return process.kill(-this.child.pid!, signal);
    } catch {
      return false;
    }
  }

  private hear(text: string): void {
    const now = performance.now();
    this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.lastAt);
    this.lastAt = now;
    this.output += text;
  }
}

/**
 * A clone of the committed state in a folder of its own. Nothing is installed or built in it unless a test asks for it.
 */
export class Clone {
  readonly folder = join(mkdtempSync(join(tmpdir(), 'tocsin-clone-')), 'tocsin');
  private readonly typed: Typed[] = [];

  static make(): Clone {
    const clone = new Clone();
    const { status, stderr } = spawnSync('git', ['clone', '--quiet', ROOT, clone.folder], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`git clone: ${stderr}`);
    return clone;
  }

  /**
   * Takes the packages of this checkout, as if they had been installed in the clone. The files are linked, or copied
   * where linking fails.
   */
  takePackages(): void {
    const [from, to] = [ROOT, this.folder].map((folder) => join(folder, 'node_modules')) as [string, string];
    if (spawnSync('cp', ['-al', from, to]).status === 0) return;
    rmSync(to, { recursive: true, force: true });
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  }

  type(command: string, environment: Record<string, string> = {}): Typed {
    const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => KEPT.test(name)));
    const typed = new Typed(command, this.folder, { ...kept, ...environment });
    this.typed.push(typed);
    return typed;
  }

  close(): void {
    for (const typed of this.typed) typed.kill();
    rmSync(join(this.folder, '..'), { recursive: true, force: true });
  }
}
