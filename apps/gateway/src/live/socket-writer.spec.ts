import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { GzipStream, SharedBytes } from '../frames/gzip';
import { SocketWriter } from './socket-writer';

/** A socket whose client reads when the test says so. */
class HeldSocket extends Writable {
  /** What the client has read, one item for each write to the system. */
  readonly writes: string[] = [];
  readonly read: Buffer[] = [];
  bytesWritten = 0;
  private reading = true;
  private waiting: (() => void) | undefined;

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    const bytes = Buffer.concat(chunks.map(({ chunk }) => chunk));
    const take = () => {
      this.writes.push(bytes.toString());
      this.read.push(bytes);
      done();
    };
    this.bytesWritten += bytes.length;
    if (this.reading) take();
    else this.waiting = take;
  }

  pauseReading(): void {
    this.reading = false;
  }

  readOn(): void {
    this.reading = true;
    this.waiting?.();
    this.waiting = undefined;
  }

  setNoDelay = () => this;
  setKeepAlive = () => this;
}

let socket: HeldSocket;
let told: string[];
const open = ({ backlogBytes = 1e6, stallMs = 50, gzip = undefined as GzipStream | undefined } = {}) => {
  [socket, told] = [new HeldSocket(), []];
  const mine = told;
  const events = { onGone: () => void mine.push('gone'), onSlow: () => void mine.push('slow') };
  const counter = { inc: (bytes: number) => void (counted += bytes) };
  counted = 0;
  return new SocketWriter(
    socket as unknown as Socket,
    'X-Own: 1\r\n',
    { backlogBytes, stallMs },
    { sseBytesSent: counter as never },
    events,
    gzip,
  );
};
let counted: number;
const shared = (text: string) => new SharedBytes(Buffer.from(text));
const bodyOf = (text: string) => text.slice(text.indexOf('\r\n\r\n') + 4);
afterEach(() => void socket.destroy());

describe('the opening', () => {
  it('leaves at the end of the turn, in one write with what was said in it', async () => {
    const writer = open();
    expect(writer.isOpen).toBe(false);
    writer.open();
    writer.open();
    writer.write('one\n\n');
    expect([writer.isOpen, socket.writes]).toEqual([true, []]);
    await turn();
    expect(socket.writes).toHaveLength(1);
    expect(socket.writes[0]).toMatch(/^HTTP\/1\.1 200 OK\r\nX-Own: 1\r\nContent-Type: text\/event-stream/);
    expect(bodyOf(socket.writes[0]!)).toBe(': tocsin\n\none\n\n');
    expect(counted).toBe(': tocsin\n\none\n\n'.length);
    writer.write('two\n\n');
    expect(socket.writes[1]).toBe('two\n\n');
  });

  it('leaves with the first entries, before them and in one write', async () => {
    const writer = open();
    writer.open();
    expect(writer.writeShared(shared('entry\n\n'))).toBe(7);
    expect(writer.writePieces(['id: 2\n', shared('second\n\n')])).toBe(14);
    await turn();
    expect(bodyOf(socket.writes[0]!)).toBe(': tocsin\n\nentry\n\n');
    expect(socket.writes.slice(1)).toEqual(['id: 2\nsecond\n\n']);
  });

  it('is not written to a socket that is gone', async () => {
    const writer = open();
    writer.open();
    socket.destroy();
    writer.writeShared(shared('entry\n\n'));
    await turn();
    expect(socket.writes).toEqual([]);
    expect(told).toEqual(['gone']);
  });
});

describe('with gzip', () => {
  it('what the client reads is what was written, in its order and to the end', async () => {
    const writer = open({ gzip: new GzipStream() });
    writer.open();
    const first = writer.writeShared(shared('entry\n\n'));
    writer.writePieces(['id: 2\n', shared('second\n\n')]);
    writer.write('third\n\n');
    writer.finish('bye\n\n');
    await turn();
    const bytes = Buffer.concat(socket.read);
    const head = bytes.subarray(0, bytes.indexOf('\r\n\r\n') + 4);
    expect(head.toString()).toContain('\r\nContent-Encoding: gzip\r\n');
    expect(gunzipSync(bytes.subarray(head.length)).toString()).toBe(
      ': tocsin\n\nentry\n\nid: 2\nsecond\n\nthird\n\nbye\n\n',
    );
    expect(first).toBeLessThan(bytes.length - head.length);
  });
});

describe('a client that does not keep up', () => {
  it('is slow when more waits for it than the backlog holds, and not a byte before', () => {
    const writer = open({ backlogBytes: 20 });
    socket.pauseReading();
    writer.writeShared(shared('x'.repeat(20)));
    expect(told).toEqual([]);
    writer.writeShared(shared('x'));
    expect(told).toEqual(['slow']);
  });

  it('has stalled when bytes wait and none of them has left since the last check', () => {
    const writer = open();
    expect(writer.hasStalled()).toBe(false);
    socket.pauseReading();
    writer.writeShared(shared('one'));
    expect(writer.hasStalled()).toBe(true);
    socket.readOn();
    expect(writer.hasStalled()).toBe(false);
  });

  it('is slow when it reads nothing of a replay for the stall time', async () => {
    const writer = open({ stallMs: 30 });
    socket.pauseReading();
    writer.writeShared(shared('x'.repeat(100_000)));
    expect(writer.needsDrain).toBe(true);
    const since = performance.now();
    await writer.drained();
    expect(performance.now() - since).toBeGreaterThanOrEqual(25);
    expect(told).toEqual(['slow']);
  });

  it('is waited for while it reads on, or until it leaves', async () => {
    const writer = open({ stallMs: 5_000 });
    socket.pauseReading();
    writer.writeShared(shared('x'.repeat(100_000)));
    setTimeout(() => socket.readOn(), 5);
    await writer.drained();
    expect([writer.needsDrain, told]).toEqual([false, []]);
    socket.pauseReading();
    writer.writeShared(shared('x'.repeat(100_000)));
    setTimeout(() => socket.destroy(), 5);
    await writer.drained();
    expect(told).toEqual(['gone']);
  });
});

describe('an end', () => {
  it('carries the last frame behind everything else, and then the connection is closed', async () => {
    const writer = open();
    writer.open();
    writer.finish('bye\n\n');
    await turn();
    expect(socket.writes.map(bodyOf)).toEqual([': tocsin\n\nbye\n\n']);
    expect(socket.writableFinished).toBe(true);
  });

  it('comes by force after a second where the client does not read', () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const writer = open();
    socket.pauseReading();
    writer.write('one\n\n');
    writer.finish('bye\n\n');
    jest.advanceTimersByTime(900);
    expect(socket.destroyed).toBe(false);
    jest.advanceTimersByTime(200);
    expect(socket.destroyed).toBe(true);
    jest.useRealTimers();
  });

  it('of the connection is told, but not once the socket is left to another', async () => {
    open();
    socket.destroy(new Error('reset'));
    await turn();
    // The error event, and the close event that follows it.
    expect(told).toEqual(['gone', 'gone']);
    const writer = open();
    writer.abandon();
    socket.destroy();
    await turn();
    expect(told).toEqual([]);
  });
});
