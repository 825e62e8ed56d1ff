import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@tocsin/contracts/testing';
import { asOwner } from '@tocsin/postgres/testing';
import { commandsOf, runCommands } from './kit/document-commands';
import type { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';

const TENANT = 'bakery';

interface Numbered {
  seq: number;
  event_id: string;
}

describe('a database that is backed up while alerts are stored, and restored', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-backup-'));
  const restored = `tocsin_restored_${randomBytes(4).toString('hex')}`;
  let stack: Stack;
  let published = 0;

  beforeAll(async () => {
    stack = await Stack.open({ tenants: { ana: [TENANT] } });
  }, 60_000);
  afterAll(async () => {
    await stack?.close();
    await asOwner({ url: process.env.DATABASE_URL! }, `drop database if exists ${restored} with (force)`);
    rmSync(folder, { recursive: true, force: true });
  });

  const publish = async (count: number) => {
    for (let i = 0; i < count; i += 1) {
      published += 1;
      const id = `message-${published}`;
      await stack.amqp.publish('alert.low.inventory', { tenant_id: TENANT, id, dedup_key: id, title: id });
    }
  };
  /** Runs the commands of docs/upgrade.md that contain a word. */
  const follow = (word: string) => {
    const { commands } = commandsOf('upgrade').find((block) => block.commands.includes(word))!;
    const here = commands
      .replaceAll('tocsin_restored', restored)
      .replaceAll('tocsin.dump', join(folder, 'tocsin.dump'));
    return runCommands(here, { DATABASE_URL: stack.database.url });
  };
  const rowsOf = (url: string) =>
    asOwner({ url }, 'select seq::int as seq, event_id from tocsin.event order by seq') as unknown as Promise<
      Numbered[]
    >;
  const entriesOf = (stream: SseStream): Numbered[] =>
    stream.frames
      .filter(({ event }) => event === 'inventory_alert')
      .map(({ data }) => JSON.parse(data) as Numbered)
      .map(({ seq, event_id }) => ({ seq, event_id }));
  const verdictOf = (stream: SseStream): string => stream.frames.find(({ event }) => event === 'connection')!.data;

  it('is whole up to a moment; a client within it goes on, and one beyond it is told, even once its number is passed', async () => {
    const early = await stack.watch('ana');
    const late = await stack.watch('ana');
    await publish(100);
    await eventually(() => expect(entriesOf(early).length).toBeGreaterThanOrEqual(100));
    early.close();

    // the backup begins and ends while alerts are stored
    let backedUp = false;
    const backup = follow('pg_dump').finally(() => (backedUp = true));
    const during = published;
    while (!backedUp) await publish(5);
    await backup;
    expect(published).toBeGreaterThan(during);
    await publish(50);
    await stack.stored(published);
    await eventually(() => expect(entriesOf(late)).toHaveLength(published));
    late.close();
    for (const app of [...stack.gateways, ...stack.processors]) await app.stop();

    await follow('pg_restore --dbname');
    const url = new URL(stack.database.url);
    url.pathname = `/${restored}`;
    const backedUpRows = await rowsOf(url.toString());
    const before = await rowsOf(stack.database.url);
    // the backup is the beginning of the history, with nothing left out
    expect(before.length - backedUpRows.length).toBeGreaterThanOrEqual(50);
    expect(backedUpRows.length).toBeGreaterThanOrEqual(100);
    expect(backedUpRows).toEqual(before.slice(0, backedUpRows.length));

    const gateway = await stack.startGateway({ DATABASE_URL: url.toString() });
    await stack.startProcessor({ DATABASE_URL: url.toString() });
    const again = await stack.watch('ana', { gateway, cursor: early.cursor });
    const told = await stack.watch('ana', { gateway, cursor: late.cursor });
    expect(verdictOf(again)).toContain('"verdict":"resumed"');
    expect(verdictOf(told)).toContain('"verdict":"gap"');
    expect(verdictOf(told)).toContain('history_replaced');

    await publish(before.length - backedUpRows.length + 20);
    await eventually(async () => expect((await rowsOf(url.toString())).length).toBe(before.length + 20));
    const rows = await rowsOf(url.toString());
    const from = entriesOf(early).at(-1)!.seq;
    await eventually(() => expect(entriesOf(again)).toEqual(rows.filter(({ seq }) => seq > from)));
    await eventually(() => expect(entriesOf(told)).toEqual(rows.filter(({ seq }) => seq > backedUpRows.length)));
    // the number of this client names another entry by now
    const passed = await stack.watch('ana', { gateway, cursor: late.cursor });
    expect(verdictOf(passed)).toContain('history_replaced');
    for (const stream of [again, told, passed]) stream.close();
  }, 120_000);
});
