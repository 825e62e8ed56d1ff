import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '@tocsin/contracts/testing';
import { Canaries } from './canaries';

export type App = 'gateway' | 'alert-processor' | 'notifier' | 'standalone' | 'cli';
export type Environment = Readonly<Record<string, string>>;
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A program that runs in place of an app's own `main.js`, for a test that breaks something in it. */
export interface Program {
  main?: string;
  args?: readonly string[];
  /** A command that becomes the process; the process's own command line is appended to it. */
  by?: readonly string[];
}

const ROOT = join(__dirname, '..', '..');
const mainOf = (app: App): string => join(ROOT, 'dist', 'apps', app, 'src', 'main.js');

/** The log line of each app when it is ready. */
const READY: Partial<Record<App, string>> = {
  gateway: 'listening',
  standalone: 'listening',
  'alert-processor': 'consuming',
  notifier: 'sending',
};
/** A standalone creates its database first, which takes long on a busy machine. */
const READY_TIMEOUT_MS = 90_000;
/** Longer than any drain that a test configures. A process that takes longer is killed and the test fails. */
const STOP_TIMEOUT_MS = 20_000;

/**
 * The settings of this machine do not reach a process: its environment is what the test sets, and its folder has no
 * `.env`. Only `STREAM_DOOR` does, so that every test of streams can run with node:http in place of the gateway's own
 * reader.
 */
const BASE_ENVIRONMENT = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  TZ: 'UTC',
  STREAM_DOOR: process.env.STREAM_DOOR ?? '',
};

/** The environment of an app whose servers listen on this address alone. */
export const listeningOn = (host: string): Environment => ({
  LISTEN_ON: host,
  NODE_OPTIONS: `--require ${join(__dirname, 'listen-on.cjs')}`,
});

/** The pids of running processes. When Jest ends, for any reason, none of them may remain. */
const alive = new Set<number>();
process.on('exit', () => {
  for (const pid of alive) process.kill(pid, 'SIGKILL');
});

/** The result of a program that ran to its end. */
export interface RunResult extends Exit {
  stdout: string;
  stderr: string;
  durationMs: number;
}

/** One built app as a process of its own, started as an image starts it: `node dist/apps/<app>/src/main.js`. */
export class AppProcess {
  readonly pid: number;
  readonly exit: Promise<Exit>;
  /** The fields of each JSON line of its log. */
  readonly log: Record<string, unknown>[] = [];
  stdout = '';
  stderr = '';
  /** Set once the process is ready. */
  port = 0;
  adminPort = 0;
  private sayReady!: (line: Record<string, unknown>) => void;
  private giveUp!: (why: Error) => void;
  private readonly readyLine = new Promise<Record<string, unknown>>((resolve, reject) => {
    this.sayReady = resolve;
    this.giveUp = reject;
  });
  private ended: Exit | undefined;
  private expectedToEnd = false;

  constructor(
    readonly app: App,
    readonly child: ChildProcess,
    private readonly host = '127.0.0.1',
  ) {
    this.pid = child.pid!;
    alive.add(this.pid);
    this.readyLine.catch(() => undefined);
    createInterface({ input: child.stdout! }).on('line', (line) => this.read(line));
    child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exit = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        alive.delete(this.pid);
        this.ended = { code, signal };
        resolve(this.ended);
      });
    });
  }

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  get adminUrl(): string {
    return `http://${this.host}:${this.adminPort}`;
  }

  get output(): string {
    return this.stdout + this.stderr;
  }

  /**
   * Resolves when its log says that it is ready and `/readyz` agrees. Rejects with its output when the process ends
   * first.
   */
  async ready(): Promise<this> {
    const late = setTimeout(
      () => this.giveUp(new Error(`${this.describe()} did not become ready:\n${this.output}`)),
      READY_TIMEOUT_MS,
    );
    void this.exit.then(() => this.giveUp(new Error(`${this.describe()} ended before it was ready:\n${this.output}`)));
    const line = await this.readyLine.finally(() => clearTimeout(late));
    this.port = Number(line.port ?? 0);
    this.adminPort = Number(line.admin_port);
    await eventually(async () => {
      const { status } = await fetch(`${this.adminUrl}/readyz`);
      if (status !== 200) throw new Error(`${this.describe()} answers /readyz with ${status}`);
    });
    return this;
  }

  /** One metric's value, summed over the labels that match. */
  async metric(name: string, labels = ''): Promise<number> {
    const text = await (await fetch(`${this.adminUrl}/metrics`)).text();
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)) && line.includes(labels));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Sends the signal and waits for the end of the process. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<Exit> {
    this.expectedToEnd = true;
    if (!this.ended) process.kill(this.pid, signal);
    const timeout = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), STOP_TIMEOUT_MS).unref());
    const first = await Promise.race([this.exit, timeout]);
    if (first !== 'late') return first;
    await this.kill();
    throw new Error(`${this.describe()} did not end within ${STOP_TIMEOUT_MS} ms after ${signal}:\n${this.output}`);
  }

  /** Kills the process, as a power cut would. */
  async kill(): Promise<Exit> {
    this.expectedToEnd = true;
    if (!this.ended) process.kill(this.pid, 'SIGKILL');
    return this.exit;
  }

  /** How the process ended, if it ended without being asked to. */
  get unexpectedEnd(): string | undefined {
    return this.ended && !this.expectedToEnd
      ? `${this.describe()} ended by itself (${this.ended.signal ?? this.ended.code}):\n${this.output}`
      : undefined;
  }

  describe(): string {
    return `${this.app} (pid ${this.pid})`;
  }

  private read(line: string): void {
    this.stdout += `${line}\n`;
    if (!line.startsWith('{')) return;
    try {
      const fields = JSON.parse(line) as Record<string, unknown>;
      this.log.push(fields);
      if (fields.msg === READY[this.app]) this.sayReady(fields);
    } catch {
      // a line of text that happens to begin with a brace
    }
  }
}

/** Programs that show tokens to the person who runs them. */
const TALKERS: ReadonlySet<App> = new Set<App>(['cli', 'standalone']);

/**
 * The processes of one test. `close` ends them all, and fails when one of them had ended by itself or has written a
 * secret or a token to its log.
 */
export class Processes {
  /** The secrets that the processes were started with. */
  readonly canaries = new Canaries();
  private readonly started: AppProcess[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'tocsin-e2e-'));

  /** The output of all processes, including ended ones. */
  get output(): string {
    return this.started.map(({ output }) => output).join('\n');
  }

  get all(): readonly AppProcess[] {
    return this.started;
  }

  async start(app: App, environment: Environment, program: Program = {}): Promise<AppProcess> {
    return this.launch(app, environment, program.args, program.main, program.by).ready();
  }

  /** Starts an app without waiting for it. */
  launch(
    app: App,
    environment: Environment,
    args: readonly string[] = [],
    main = mainOf(app),
    by: readonly string[] = [],
  ): AppProcess {
    this.canaries.note(environment);
    const [command, ...words] = [...by, process.execPath, main, ...args];
    const child = spawn(command!, words, {
      cwd: this.folder,
      env: { ...BASE_ENVIRONMENT, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const launched = new AppProcess(app, child, environment.LISTEN_ON);
    this.started.push(launched);
    return launched;
  }

  /** Runs an app that should end by itself within `timeoutMs`; otherwise it is killed. */
  async run(app: App, environment: Environment, args: readonly string[] = [], timeoutMs = 40_000): Promise<RunResult> {
    const startedAt = performance.now();
    const launched = this.launch(app, environment, args);
    const timer = setTimeout(() => void launched.kill(), timeoutMs);
    const exit = await launched.exit;
    clearTimeout(timer);
    this.started.splice(this.started.indexOf(launched), 1);
    return { ...exit, stdout: launched.stdout, stderr: launched.stderr, durationMs: performance.now() - startedAt };
  }

  async close(): Promise<void> {
    const died = this.started.flatMap(({ unexpectedEnd }) => unexpectedEnd ?? []);
    const outcomes = await Promise.allSettled(this.started.map((one) => one.stop()));
    const leaks = this.started.flatMap((one) => this.leakOf(one) ?? []);
    const stuck = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? String(outcome.reason) : []));
    rmSync(this.folder, { recursive: true, force: true });
    const faults = [...died, ...stuck, ...leaks];
    if (faults.length > 0) throw new Error(faults.join('\n'));
  }

  private leakOf(one: AppProcess): string | undefined {
    const lines = TALKERS.has(one.app) ? JSON.stringify(one.log) + one.stderr : one.output;
    try {
      this.canaries.expectNoneIn(lines, `the log of ${one.describe()}`);
      return undefined;
    } catch (error) {
      return String(error);
    }
  }
}
