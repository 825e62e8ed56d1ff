import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Duplex } from 'node:stream';
import { PGlite } from '@electric-sql/pglite';
import { ConfigurationError } from '@tocsin/settings';

/** The wire protocol's message for "I am leaving". The embedded backend must not see it: it would leave too. */
const TERMINATE = 0x58;

/** An embedded PostgreSQL on a directory, for one process at a time. */
export interface EmbeddedDatabase {
  /** A connection in the wire protocol, for a driver: one session in all, so one connection at a time. */
  stream(): Duplex;
  /** Writes what is pending and gives the directory free. May be called twice. */
  close(): Promise<void>;
}

/**
 * Opens the database of a directory, and makes it the first time (some seconds). What is committed survives `kill -9`, not
 * a power cut: it is not synced to the disk. Throws `ConfigurationError` when another process has it open, since two would
 * destroy it without noticing. `anew` empties the directory first, and only once it is ours.
 */
export async function openPglite(directory: string, { anew = false } = {}): Promise<EmbeddedDatabase> {
  mkdirSync(dirname(directory), { recursive: true });
  const unlock = lock(`${directory}.lock`, directory);
  if (anew) rmSync(directory, { recursive: true, force: true });
  const database = await PGlite.create(directory).catch((error: unknown) => {
    unlock();
    throw error;
  });
  let closed: Promise<void> | undefined;
  return {
    stream: () => new ProtocolStream(database),
    close: () => (closed ??= database.close().finally(unlock)),
  };
}

/** What pg takes for a socket: bytes in are given to the database, its answer comes out. */
class ProtocolStream extends Duplex {
  constructor(private readonly database: PGlite) {
    super();
  }

  /** pg connects what it made. Whatever the last connection left open in the one session ends here. */
  connect(): this {
    this.forget().then(
      () => this.emit('connect'),
      (error: Error) => this.destroy(error),
    );
    return this;
  }

  setNoDelay = (): this => this;
  setKeepAlive = (): this => this;
  ref = (): this => this;
  unref = (): this => this;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.answer(chunk).then(() => done(), done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.answer(Buffer.concat(chunks.map(({ chunk }) => chunk))).then(() => done(), done);
  }

  private async answer(bytes: Buffer): Promise<void> {
    if (bytes[0] === TERMINATE) return void this.push(null);
    const answer = await this.database.execProtocolRaw(bytes);
    if (answer.length > 0) this.push(Buffer.from(answer));
  }

  private async forget(): Promise<void> {
    await this.database.exec('rollback');
    await this.database.exec('discard all');
  }
}

/** Takes the directory for this process. A lock whose process is gone was left by a crash. */
function lock(file: string, directory: string): () => void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 3) throw error;
      const pid = Number(readFileSync(file, 'utf8'));
      if (pid !== process.pid && isAlive(pid)) {
        throw new ConfigurationError([
          `DATA_DIR is in use by another process (pid ${pid}): ${directory} is for one at a time. Stop that one, or set DATA_DIR to another folder.`,
        ]);
      }
      rmSync(file, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
