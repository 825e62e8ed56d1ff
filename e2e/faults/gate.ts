import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppProcess } from '../kit/processes';
import { HELD, type Point } from './crashing-ports';

/** A point at which a process is held for as long as a test says: what follows then is never in time by chance. Open at first. */
export class Gate {
  private readonly folder = mkdtempSync(join(tmpdir(), 'tocsin-gate-'));

  constructor(private readonly point: Point) {}

  /** For the process that is to be held; see `crashing-ports.ts`. */
  get failpoint(): string {
    return `${this.point}=hold:${this.file}`;
  }

  close(): void {
    writeFileSync(this.file, '');
  }

  open(): void {
    rmSync(this.file, { force: true });
  }

  /** How often the process was held so far. */
  heldIn(app: AppProcess): number {
    return app.log.filter(({ msg, point }) => msg === HELD && point === this.point).length;
  }

  /** Opens it for good. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get file(): string {
    return join(this.folder, 'closed');
  }
}
