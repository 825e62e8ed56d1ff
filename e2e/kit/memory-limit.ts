import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';

const ROOTS = [
  { folder: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
  { folder: '/sys/fs/cgroup', limit: 'memory.max' },
] as const;

/** A memory cgroup, as a container's: what exceeds it is killed. Linux, and root. Without one, `by` is empty and nothing is limited. */
export class MemoryLimit {
  private constructor(
    private readonly folder: string | undefined,
    readonly bytes: number,
  ) {}

  static open(bytes: number): MemoryLimit {
    for (const root of ROOTS) {
      const folder = `${root.folder}/tocsin-${randomBytes(3).toString('hex')}`;
      try {
        mkdirSync(folder);
      } catch {
        continue;
      }
      try {
        writeFileSync(`${folder}/${root.limit}`, String(bytes));
        return new MemoryLimit(folder, bytes);
      } catch {
        rmdirSync(folder);
      }
    }
    return new MemoryLimit(undefined, bytes);
  }

  get isReal(): boolean {
    return this.folder !== undefined;
  }

  /** A command that takes its process into the limit and becomes another. */
  get by(): readonly string[] {
    return this.folder ? ['sh', '-c', `echo $$ > ${this.folder}/cgroup.procs && exec "$@"`, 'sh'] : [];
  }

  /** When what ran in it has ended. */
  close(): void {
    if (this.folder) rmdirSync(this.folder);
  }
}

/** The most memory that a process has had at once, in bytes, as the kernel counted it. */
export const peakMemoryOf = (pid: number): number =>
  1024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
export const memoryOf = (pid: number): number =>
  1024 * Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
