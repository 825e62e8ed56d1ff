import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { ConfigurationError } from '@tocsin/settings';
import { openPglite, type EmbeddedDatabase } from './pglite';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-pglite-'));
const directory = join(folder, 'made', 'on', 'demand');
let database: EmbeddedDatabase;
// making the database takes seconds: once for all of this file
beforeAll(async () => void (database = await openPglite(directory)), 60_000);
afterAll(async () => {
  await database?.close();
  rmSync(folder, { recursive: true, force: true });
});

it('a connection that left its transaction open leaves nothing of it to the next one', async () => {
  const first = await connected();
  expect(await ask(first, 'create table kept (n int)')).toContain('CREATE TABLE');
  expect(await ask(first, 'begin')).toContain('BEGIN');
  expect(await ask(first, 'insert into kept values (1)')).toContain('INSERT');
  expect(await ask(first, 'select count(*) from kept')).toMatch(/\W1C.*SELECT 1/s);
  first.destroy();

  const second = await connected();
  expect(await ask(second, 'select count(*) from kept')).toMatch(/\W0C.*SELECT 1/s);
  second.destroy();
});

it('a driver that says goodbye ends its connection, not the database', async () => {
  const leaving = await connected();
  const ended = once(leaving.resume(), 'end');
  leaving.write(Buffer.from([0x58, 0, 0, 0, 4]));
  await ended;
  const next = await connected();
  expect(await ask(next, 'select 1')).toContain('SELECT 1');
  next.destroy();
});

it('closing gives the directory free, twice or once, and what was committed is there again', async () => {
  expect(readFileSync(`${directory}.lock`, 'utf8')).toBe(String(process.pid));
  await database.close();
  await database.close();
  expect(existsSync(`${directory}.lock`)).toBe(false);
  database = await openPglite(directory);
  const again = await connected();
  expect(await ask(again, 'select count(*) from kept')).toMatch(/\W0C.*SELECT 1/s);
  again.destroy();
});

it('a directory that a living process has open is refused in one sentence, and opened once that process is gone', async () => {
  await database.close();
  const other = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
  writeFileSync(`${directory}.lock`, String(other.pid));
  try {
    const refused: unknown = await openPglite(directory).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConfigurationError);
    expect((refused as ConfigurationError).problems).toEqual([
      expect.stringContaining(`in use by another process (pid ${other.pid})`),
    ]);
  } finally {
    other.stdin.end();
    await once(other, 'exit');
  }
  database = await openPglite(directory);
  expect(readFileSync(`${directory}.lock`, 'utf8')).toBe(String(process.pid));
});

async function connected(): Promise<Duplex> {
  const stream = database.stream() as Duplex & { connect(): void };
  const connect = once(stream, 'connect');
  stream.connect();
  await connect;
  return stream;
}

/** One statement in the wire protocol's simple form; gives the answer's bytes as text. */
async function ask(stream: Duplex, sql: string): Promise<string> {
  const text = Buffer.from(`${sql}\0`);
  const head = Buffer.alloc(5);
  head.write('Q');
  head.writeInt32BE(text.length + 4, 1);
  stream.write(Buffer.concat([head, text]));
  const [answer] = (await once(stream, 'data')) as [Buffer];
  return answer.toString('latin1');
}
