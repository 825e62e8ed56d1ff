import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Duplex } from 'node:stream';
import { PGlite } from '@electric-sql/pglite';
import { ConfigurationError } from '@tocsin/settings';

/** The wire protocol's `Terminate` message. The embedded backend must not get it, because it would end as well. */
const TERMINATE = 0x58;

/** An embedded PostgreSQL on a directory, for one process at a time. */
export interface EmbeddedDatabase {
  /** A connection for a driver, in the wire protocol. There is one session in all, so one connection at a time. */
  stream(): Duplex;
  /** Writes what is pending and releases the directory. May be called twice. */
  close(): Promise<void>;
}

/**
 * Opens the database of a directory, and creates it the first time, which takes some seconds. Committed data survives
 * `kill -9`, but not a power cut: it is not synced to the disk. Throws `ConfigurationError` when another process has
 * the database open, since two processes would destroy it without noticing. `anew` empties the directory first, but
 * only once this process has locked it.
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

/** The object that pg uses as its socket: it passes bytes to the database and returns the database's replies. */
class ProtocolStream extends Duplex {
  constructor(private readonly database: PGlite) {
    super();
  }

  /**
   * pg connects the stream that it made. A transaction that the last connection left open in the one session ends here.
   */
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

/** Locks the directory for this process. A lock whose process no longer runs was left by a crash. */
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
