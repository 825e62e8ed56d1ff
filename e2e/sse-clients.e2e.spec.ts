import { EventSourcePolyfill } from 'event-source-polyfill';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { describeWhole } from './faults/size';
import { describeWith, pathOf } from './kit/programs';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

const run = promisify(execFile);
const PROGRAM = join(__dirname, 'sse-clients', 'r3labs');

describe('clients of others', () => {
  let stack: Stack;
  let proxy: FaultProxy;
  let published = 0;
  beforeAll(async () => {
    stack = await Stack.open({ tenants: { ana: ['bakery'] } });
    proxy = await FaultProxy.to(stack.gateway.url);
  });
  afterAll(async () => {
    await proxy?.close();
    await stack?.close();
  });

  /** Publishes `count` alerts. Their ids are the numbers of their entries. */
  async function publish(count: number, fields: object = {}): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      published += 1;
      await stack.amqp.publish('alert.low.inventory', { id: String(published), tenant_id: 'bakery', ...fields });
    }
    await stack.stored(published);
  }
  const numbers = (from: number) => Array.from({ length: published - from }, (_, i) => from + 1 + i);

  it('event-source-polyfill, given an old cursor in its address, shows each alert once over any number of reconnects', async () => {
    await publish(3);
    const first = await stack.watch('ana');
    const begin = published;
    const cursor = first.cursor;
    first.close();
    await publish(2);

    const seen: number[] = [];
    const url = `${proxy.via(stack.eventsUrl())}?last_event_id=${cursor}`;
    const source = new EventSourcePolyfill(url, { headers: { Authorization: `Bearer ${tokenFor('ana')}` } });
    const verdicts: string[] = [];
    source.addEventListener('connection', ({ data }) =>
      verdicts.push((JSON.parse(data) as { verdict: string }).verdict),
    );
    for (const name of ['inventory_alert', 'notification', 'alert_update'])
      source.addEventListener(name, ({ data }) => seen.push((JSON.parse(data) as { seq: number }).seq));
    try {
      for (let cut = 0; cut < 3; cut += 1) {
        await eventually(() => expect(verdicts).toHaveLength(cut + 1), 20_000);
        await publish(2);
        await eventually(() => expect(seen).toEqual(numbers(begin)), 10_000);
        proxy.cut();
        await publish(1);
      }
      await eventually(() => expect(verdicts).toHaveLength(4), 20_000);
      await eventually(() => expect(seen).toEqual(numbers(begin)), 10_000);
      expect(new Set(verdicts)).toEqual(new Set(['resumed']));
    } finally {
      source.close();
    }
  }, 90_000);

  it('readers that end a line where Unicode does get whole frames, live and replayed, of the same bytes', async () => {
    const text = 'one\u2028two\u2029three\u0085four';
    const live = await stack.watch('ana');
    const { cursor } = live;
    await publish(1, { message: text, labels: { note: text }, metadata: { [text]: text } });
    await live.entry(String(published));
    const replayed = await stack.watch('ana', { cursor });
    await replayed.entry(String(published));
    const [one, other] = [live, replayed].map(({ frames }) => frames.find(({ data }) => data.includes('"seq"'))!);
    expect(one!.data).toBe(other!.data);
    expect(JSON.parse(one!.data)).toMatchObject({ message: text, labels: { note: text }, metadata: { [text]: text } });
    for (const stream of [live, replayed]) {
      expect(stream.text).not.toMatch(/[\u0085\u2028\u2029]/);
      stream.close();
    }
  });

  // the build takes a minute on two cores
  describeWhole('built with Go', () => {
    describeWith('go', 'r3labs/sse, whose buffer is 64 KiB where nothing else is said', () => {
      let folder: string;
      beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), 'tocsin-r3labs-'));
        for (const file of ['main.go', 'go.mod', 'go.sum'])
          writeFileSync(join(folder, file), readFileSync(join(PROGRAM, `${file}.txt`)));
        await run(pathOf('go'), ['build', '-o', 'client', '.'], { cwd: folder, timeout: 240_000 });
      }, 300_000);
      afterAll(() => rmSync(folder, { recursive: true, force: true }));

      /** What the client has read after `count` entries, or when it cannot continue. */
      const read = async (count: number, since: number, buffer?: number) => {
        const args = [
          `${proxy.via(stack.eventsUrl())}?since=${since}`,
          tokenFor('ana'),
          String(count),
          ...(buffer ? [String(buffer)] : []),
        ];
        const { stdout } = await run(join(folder, 'client'), args, { timeout: 40_000, maxBuffer: 1e8 });
        return stdout.trim().split('\n');
      };

      it('reads what is shorter, and goes on where it was cut', async () => {
        const from = published;
        await eventually(async () => expect(await stack.gateway.metric('tocsin_sse_connections')).toBe(0));
        // a stream is among those that are held before it has its position, and is opened with it
        const opened = () => stack.gateway.metric('tocsin_sse_connections_opened_total');
        const others = await opened();
        const reading = read(6, 0);
        await eventually(async () => expect(await opened()).toBe(others + 1));
        const sent = () => stack.gateway.metric('tocsin_sse_events_sent_total', 'event="entry"');
        const before = await sent();
        await publish(3);
        await eventually(async () => expect(await sent()).toBeGreaterThanOrEqual(before + 3));
        proxy.cut();
        await publish(3);
        expect(await reading).toEqual(numbers(from).map(String));
      }, 60_000);

      it('reads an entry of a message as long as one may be with a buffer of 1 MiB, and says with its own that it is too long', async () => {
        await publish(1, { metadata: { text: 'x'.repeat(65_000) } });
        expect(await read(1, 1, 1 << 20)).toEqual([String(published)]);
        expect(await read(1, 1)).toEqual(['bufio.Scanner: token too long']);
        await publish(1, { metadata: { text: 'x'.repeat(48 * 1024) } });
        expect(await read(1, 1)).toEqual([String(published)]);
      }, 60_000);
    });
  });
});
