import { stdout } from 'node:process';

export const say = (line = '') => stdout.write(`${line}\n`);
export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** What a run has found so far. Its last line is for scripts: `N passed, N failed`. */
export class Report {
  passed = 0;
  failed = 0;
  skipped = [];
  /** Files that failed beside others and passed alone: a defect of the test or of what it tests, counted apart. */
  unsteady = [];

  /** A step that failed as a whole, and why. */
  fail(why) {
    this.failed += 1;
    say(`  ✗ ${why}`);
  }

  skip(what, reason) {
    this.skipped.push(`${what}: ${reason}`);
  }

  /** Prints the summary. Returns the exit code: 0 when something passed and nothing failed. */
  end(tookMs) {
    say();
    for (const line of this.skipped) say(`  - skipped: ${line}`);
    for (const line of this.unsteady) say(`  ! unsteady (failed beside others, passed alone): ${line}`);
    if (this.passed + this.failed === 0) this.fail('nothing was tested');
    say(`  ${seconds(tookMs)}`);
    say(`  ${this.unsteady.length} unsteady`);
    say(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 ? 0 : 1;
  }
}
