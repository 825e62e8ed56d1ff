import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** A step that takes longer says so, so that nobody wonders whether anything happens. */
const SAY_EVERY_MS = 2_500;

/** A thread of its own: the embedded database keeps the main one busy for seconds when it is made. */
const TICKING = `
const { workerData: { name, everyMs } } = require('node:worker_threads');
let said = 0;
setInterval(() => require('node:fs').writeSync(1, '  … ' + name + ' (' + Math.round((said += everyMs) / 1000) + ' s)\\n'), everyMs);
`;

/** What `npm start` shows a person: what was done, what stands behind each port, and what to type next. */
export class StartBlock {
  constructor(private readonly write: (text: string) => void) {}

  title(version: string): void {
    this.write(`\n  Tocsin ${version} · standalone\n\n`);
  }

  /** What was installed and built just before, as the script that did it has noted. */
  prepared(folder: string): void {
    try {
      const file = join(folder, 'ready.json');
      const noted = JSON.parse(readFileSync(file, 'utf8')) as { packages_ms?: number; packages_first_time?: boolean; build_ms?: number; page_ms?: number };
      rmSync(file); // a later start would tell them again
      if (noted.packages_ms) this.done('packages', noted.packages_ms, noted.packages_first_time ? '(first time only)' : '');
      if (noted.build_ms) this.done('build', noted.build_ms, '');
      if (noted.page_ms) this.done('page', noted.page_ms, '');
    } catch {
      // started without that script: there is nothing to tell
    }
  }

  /** Does something and says how long it took. */
  async step<T>(name: string, remark: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const ticking = new Worker(TICKING, { eval: true, workerData: { name, everyMs: SAY_EVERY_MS } });
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
    this.write(`  ✓ ${name.padEnd(9)} ${took.padStart(5)}   ${remark}`.trimEnd() + '\n');
  }

  /** Lines to paste, each with its name. */
  commands(commands: Record<string, string>): void {
    this.write('\n');
    for (const [name, command] of Object.entries(commands)) this.write(`  ${name.padEnd(9)} ${command}\n`);
  }

  /** What is on and what is weak, counted and named. */
  security(enabled: readonly string[], warnings: readonly string[]): void {
    this.write(`\n  ${enabled.length} enabled, ${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}\n`);
    this.write(`  + ${enabled.join(' · ')}\n`);
    for (const warning of warnings) this.write(`  ! ${warning}\n`);
  }

  farewell(dataDir: string, embedded: boolean): void {
    this.write(`\n  Ctrl+C stops${embedded ? `; data stays in ${dataDir}/; \`npm start -- --reset\` begins anew` : ''}\n\n`);
  }
}
