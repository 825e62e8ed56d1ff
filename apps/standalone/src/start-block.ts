import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { countsOf, type StartReport } from '@tocsin/observability';

/** A step that takes longer prints its progress, so that the user sees that it still runs. */
const SAY_EVERY_MS = 1_000;

/** On a terminal a running step has one line, which its outcome replaces. */
const ON_TERMINAL = { before: '\r', after: '\x1b[K\r', everyMs: 500 };
const ON_PAPER = { before: '', after: '\n', everyMs: SAY_EVERY_MS };

/** A thread of its own: creating the embedded database keeps the main thread busy for seconds. */
const TICKING = `
const { workerData: { name, before, after, everyMs } } = require('node:worker_threads');
let said = 0;
setInterval(() => require('node:fs').writeSync(1, before + '  … ' + name + ' (' + Math.round((said += everyMs) / 1000) + ' s)' + after), everyMs);
`;

/** The notes of `scripts/ready.mjs` about what it installed and built. */
const NOTED = join('.tocsin', 'ready.json');

/** The output of `npm start` for a person: the steps, the adapter behind each port, and what to type next. */
export class StartBlock {
  constructor(
    private readonly write: (text: string) => void,
    private readonly onTerminal = false,
  ) {}

  title(version: string): void {
    this.write(`\n  Tocsin ${version} · standalone\n\n`);
  }

  /** Prints what `scripts/ready.mjs` installed and built just before, from its notes. */
  prepared(): void {
    try {
      const noted = JSON.parse(readFileSync(NOTED, 'utf8')) as {
        packages_ms?: number;
        packages_first_time?: boolean;
        build_ms?: number;
        page_ms?: number;
      };
      rmSync(NOTED); // a later start would print them again
      if (noted.packages_ms)
        this.done('packages', noted.packages_ms, noted.packages_first_time ? '(first time only)' : '');
      if (noted.build_ms) this.done('build', noted.build_ms, '');
      if (noted.page_ms) this.done('page', noted.page_ms, '');
    } catch {
      // standalone was started without that script: there is nothing to print
    }
  }

  /** Runs a step and prints how long it took. */
  async step<T>(name: string, remark: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const ticking = new Worker(TICKING, {
      eval: true,
      workerData: { name, ...(this.onTerminal ? ON_TERMINAL : ON_PAPER) },
    });
    try {
      const result = await work();
      await ticking.terminate();
      this.done(name, performance.now() - startedAt, remark);
      return result;
    } finally {
      await ticking.terminate();
    }
  }

  done(name: string, tookMs: number | undefined, remark: string): void {
    const took = tookMs === undefined || tookMs < 500 ? '' : `${Math.round(tookMs / 1000)} s`;
    this.write(
      `${this.onTerminal ? '\x1b[K' : ''}  ✓ ${name.padEnd(9)} ${took.padStart(5)}   ${remark}`.trimEnd() + '\n',
    );
  }

  /** Prints commands to paste, each with its name. */
  commands(commands: Record<string, string>): void {
    this.write('\n');
    for (const [name, command] of Object.entries(commands)) this.write(`  ${name.padEnd(9)} ${command}\n`);
  }

  /** Prints the number and the names of the enabled protections and of the warnings. */
  security(report: StartReport): void {
    const { enabled, warnings } = report;
    this.write(`\n  ${countsOf(report)}\n`);
    this.write(`  + ${enabled.join(' · ')}\n`);
    for (const warning of warnings) this.write(`  ! ${warning}\n`);
  }

  /** `anew`: the command that begins anew. */
  farewell(dataDir: string, embedded: boolean, anew: string): void {
    this.write(`\n  Ctrl+C stops${embedded ? `; data stays in ${dataDir}/; \`${anew}\` begins anew` : ''}\n\n`);
  }
}

/** For a reader that is no person: it prints nothing, and each step runs without a word of it. */
export class SilentBlock extends StartBlock {
  constructor() {
    super(() => undefined);
  }

  override step<T>(_name: string, _remark: string, work: () => Promise<T>): Promise<T> {
    return work();
  }
}
