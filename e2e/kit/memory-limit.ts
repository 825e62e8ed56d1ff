import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';

const ROOTS = [
  { folder: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
  { folder: '/sys/fs/cgroup', limit: 'memory.max' },
] as const;

/**
 * A memory cgroup, like a container's: a process that exceeds it is killed. Needs Linux and root. Otherwise `by` is
 * empty and there is no limit.
 */
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

  /** A command that moves its process into the cgroup and then becomes another program. */
  get by(): readonly string[] {
    return this.folder ? ['sh', '-c', `echo $$ > ${this.folder}/cgroup.procs && exec "$@"`, 'sh'] : [];
  }

  /** Call it when the processes in the cgroup have ended. */
  close(): void {
    if (this.folder) rmdirSync(this.folder);
  }
}

/** The peak memory of a process, in bytes, as the kernel counted it. */
export const peakMemoryOf = (pid: number): number =>
  1024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
export const memoryOf = (pid: number): number =>
  1024 * Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
