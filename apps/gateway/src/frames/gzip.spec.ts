import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import zlib from 'node:zlib';
import { aTenant, eventually } from '@tocsin/contracts/testing';
import { formatPosition } from '../positions/cursor';
import { GzipStream, SharedBytes } from './gzip';
import { LogInMemory } from '../feeds/testing/log-in-memory';
import { LiveGateway, type Client } from '../live/testing/open-stream';

/** What a reader can decode from the beginning of a stream without its end. */
const readSoFar = (bytes: Buffer): Buffer => zlib.gunzipSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });

describe('the gzip encoding of a stream', () => {
  // The sizes at which blocks, buffers and the kind of encoding change.
  const size = fc.oneof(
    fc.integer({ min: 1, max: 300 }),
    fc.constantFrom(1_023, 1_024, 16_383, 16_384, 65_535, 65_536, 70_000),
  );
  const piece = fc.record({ size, random: fc.boolean(), shared: fc.boolean() });

  it('each piece can be decoded completely as soon as it arrives, whichever pieces are shared', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 6 }),
        fc.array(piece, { maxLength: 3 }),
        (pieces, others) => {
          const text = ({ size, random }: { size: number; random: boolean }) =>
            random ? randomBytes(size).toString('latin1') : 'data: {"seq":1}\n'.repeat(size).slice(0, size);
          const common = others.map((other) => new SharedBytes(Buffer.from(text(other))));
          const streams = [new GzipStream(), new GzipStream()].map((gzip, i) => ({
            gzip,
            opening: `: stream ${i}\n\n`,
          }));
          const wires = streams.map(({ gzip, opening }) => ({ bytes: gzip.own(opening), plain: Buffer.from(opening) }));
          const hear = (at: number, bytes: Buffer, plain: Buffer) => {
            const wire = wires[at]!;
            wire.bytes = Buffer.concat([wire.bytes, bytes]);
            wire.plain = Buffer.concat([wire.plain, plain]);
            expect(readSoFar(wire.bytes).equals(wire.plain)).toBe(true);
          };
          pieces.forEach((own, i) => {
            const words = text(own);
            if (own.shared) hear(0, streams[0]!.gzip.shared(new SharedBytes(Buffer.from(words))), Buffer.from(words));
            else hear(0, streams[0]!.gzip.own(words), Buffer.from(words));
            const part = common[i];
            if (part) streams.forEach(({ gzip }, at) => hear(at, gzip.shared(part), part.bytes));
          });
          streams.forEach(({ gzip }, at) => hear(at, gzip.own('bye', true), Buffer.from('bye')));
          // A strict reader checks the checksum and the length at the end.
          for (const { bytes, plain } of wires) expect(zlib.gunzipSync(bytes).equals(plain)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('of an opening that is also the end is complete', () => {
    expect(zlib.gunzipSync(new GzipStream().own(': tocsin\n\n', true)).toString()).toBe(': tocsin\n\n');
  });
});

describe('streams with gzip', () => {
  let gateway: LiveGateway;
  let log: LogInMemory;
  let deflate: jest.SpyInstance;
  const tenant = aTenant('north');
  const other = aTenant('harbour');
  const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const publish = (count = 1, overrides = {}, to = tenant) => gateway.bus.deliver(...log.put(to, count, overrides));
  const live = (client: Client) => eventually(() => expect(client.of('connection')).toHaveLength(1)).then(() => turn());
  /** The text from the first entry on; the text before it differs for each client. */
  const entriesOf = ({ text }: Client) => text.slice(text.search(/^event: (?:inventory_alert|notification)$/m));
  const connect = async (count: number, options = {}, tenants = [tenant]) => {
    const clients = await Promise.all(Array.from({ length: count }, () => gateway.connect(tenants, options)));
    await Promise.all(clients.map(live));
    return clients;
  };
  beforeEach(() => {
    gateway = new LiveGateway((log = new LogInMemory()));
    deflate = jest.spyOn(zlib, 'deflateRawSync');
  });
  afterEach(async () => {
    deflate.mockRestore();
    await gateway.close();
  });

  it('in one feed with plain ones say the same byte for byte, and what leaves together is deflated once for all of them', async () => {
    const plain = await connect(2);
    const zipped = await connect(6, { gzip: true });
    expect(plain[0]!.response.headers['content-encoding']).toBeUndefined();
    expect(zipped[0]!.response.headers['content-encoding']).toBe('gzip');
    for (const count of [1, 3, 7, 15, 31]) {
      publish(count, { message: 'Größe ≠ 🥐' });
      // Each client can decode while its stream stays open.
      const seqs = upTo(log.streams.get(tenant)!.events.length);
      await Promise.all([...plain, ...zipped].map((client) => client.hears(seqs)));
    }
    for (const client of [...plain, ...zipped]) expect(entriesOf(client)).toBe(entriesOf(plain[0]!));
    expect(deflate).toHaveBeenCalledTimes(5);
    for (const client of zipped) client.leave();
    await eventually(() => expect(gateway.streams.filter(({ closed }) => closed)).toHaveLength(6));
    publish();
    await Promise.all(plain.map((client) => client.hears(upTo(58))));
    expect(deflate).toHaveBeenCalledTimes(5);
  });

  it('of several tenants share what is deflated of an entry, and have their own ids', async () => {
    const [plain] = await connect(1, {}, [tenant, other]);
    const zipped = await connect(3, { gzip: true }, [tenant, other]);
    publish(2);
    publish(1, {}, other);
    await Promise.all([plain!, ...zipped].map((client) => eventually(() => expect(client.seqs).toHaveLength(3))));
    for (const client of zipped) expect(entriesOf(client)).toBe(entriesOf(plain!));
    expect(deflate).toHaveBeenCalledTimes(3);
  });

  it('that replay the same share what is deflated of it, and go on live', async () => {
    log.put(tenant, 90);
    const cursor = formatPosition(log.position(tenant, 10));
    const [first, second] = await connect(2, { gzip: true, cursor });
    await Promise.all([first!, second!].map((client) => client.hears(upTo(90, 11))));
    const replayed = deflate.mock.calls.length;
    const [third] = await connect(1, { gzip: true, cursor });
    await third!.hears(upTo(90, 11));
    expect(deflate).toHaveBeenCalledTimes(replayed);
    publish();
    await Promise.all([first!, second!, third!].map((client) => client.hears(upTo(91, 11))));
  });

  it('hear heartbeats at once, and end as gzip does when they are closed', async () => {
    const [client] = await connect(1, { gzip: true });
    gateway.streams[0]!.heartbeat(new Date());
    await eventually(() => expect(client!.of('heartbeat')).toHaveLength(1));
    publish();
    await client!.hears([1]);
    expect(client!.complete).toBe(false);
    gateway.streams[0]!.close('draining');
    await eventually(() => expect(client!.complete).toBe(true));
    expect(client!.frames.at(-1)).toMatchObject({ event: 'close', id: formatPosition(log.position(tenant, 1)) });
  });

  it('count the bytes that were written, not those that were deflated', async () => {
    const [client] = await connect(1, { gzip: true });
    publish(50, { message: 'again and again '.repeat(100) });
    await client!.hears(upTo(50));
    gateway.streams[0]!.close('draining');
    await eventually(() => expect(client!.complete).toBe(true));
    const counted = await gateway.metrics.registry.getSingleMetricAsString('tocsin_sse_bytes_sent_total');
    expect(counted).toContain(`tocsin_sse_bytes_sent_total ${client!.bytes}`);
    expect(client!.bytes).toBeLessThan(client!.text.length / 10);
  });
});
