import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppProcess } from '../kit/processes';
import { HELD, type Point } from './crashing-ports';

/**
 * A point at which a test holds a process for as long as it wants, so that the order of events is not left to chance.
 * Open at first.
 */
export class Gate {
  private readonly folder = mkdtempSync(join(tmpdir(), 'tocsin-gate-'));

  constructor(private readonly point: Point) {}

  /** The failpoint for the process that is held; see `crashing-ports.ts`. */
  get failpoint(): string {
    return `${this.point}=hold:${this.file}`;
  }

  close(): void {
    writeFileSync(this.file, '');
  }

  open(): void {
    rmSync(this.file, { force: true });
  }

  /** How often the process has been held so far. */
  heldIn(app: AppProcess): number {
    return app.log.filter(({ msg, point }) => msg === HELD && point === this.point).length;
  }

  /** Opens the gate for good. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get file(): string {
    return join(this.folder, 'closed');
  }
}
