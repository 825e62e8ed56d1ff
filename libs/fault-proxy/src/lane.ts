import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is looked for in bytes, read as latin1. */
export type Pattern = string | RegExp;

/** Bytes at the beginning of a direction that are kept, to recognise the connection by. */
const OPENING_BYTES = 4_096;
/** Bytes that may wait in a direction before its sender is no longer read. */
const MAX_WAITING_BYTES = 256 * 1024;
/** Bytes of what has passed that a pattern may reach back to. */
const TAIL_BYTES = 256;
const THROTTLE_TICK_MS = 20;

export interface LaneOptions {
  /** Cuts the bytes into units that stay whole. */
  split?: (bytes: Buffer) => Buffer[];
  /** Whether a unit is taken out. */
  drops: (unit: Buffer) => boolean;
  /** Ends the connection: a cut was reached. */
  cut: () => void;
}

/** One direction of a connection: units wait in their order, for as long as its faults say. */
export class Lane {
  latencyMs = 0;
  bytesPerSecond = Infinity;
  /** How many more bytes may pass before the connection is cut. */
  bytesLeft = Infinity;
  cutPattern: Pattern | undefined;
  /** What came goes nowhere: the other end is gone. */
  discards = false;
  carriedBytes = 0;
  opening = '';
  private tail = '';
  private readonly waiting: { unit: Buffer; dueAt: number }[] = [];
  private waitingBytes = 0;
  private hole: { healed: Promise<void>; heal: () => void } | undefined;
  private working = false;
  private senderEnded = false;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly options: LaneOptions,
  ) {
    from.on('data', (bytes: Buffer) => this.take(bytes));
    from.on('end', () => {
      this.senderEnded = true;
      void this.work();
    });
  }

  /** Carries nothing and ends nothing: what is sent waits in the kernel, as it would for a cable that is pulled out. */
  blackhole(): void {
    if (this.hole) return;
    let heal!: () => void;
    const healed = new Promise<void>((resolve) => (heal = resolve));
    this.hole = { healed, heal };
    this.from.pause();
  }

  /** Takes every fault of this direction back. */
  heal(): void {
    this.latencyMs = 0;
    this.bytesPerSecond = Infinity;
    this.bytesLeft = Infinity;
    this.cutPattern = undefined;
    this.hole?.heal();
    this.hole = undefined;
    this.from.resume();
  }

  private take(bytes: Buffer): void {
    if (this.opening.length < OPENING_BYTES)
      this.opening += bytes.toString('latin1', 0, OPENING_BYTES - this.opening.length);
    if (this.discards) return;
    for (const unit of this.options.split?.(bytes) ?? [bytes]) {
      if (this.options.drops(unit)) continue;
      this.waiting.push({ unit, dueAt: performance.now() + this.latencyMs });
      this.waitingBytes += unit.length;
    }
    if (this.waitingBytes > MAX_WAITING_BYTES) this.from.pause();
    void this.work();
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    for (let next = this.waiting[0]; next && this.to.writable; next = this.waiting[0]) {
      const early = next.dueAt - performance.now();
      if (early > 0) await sleep(early);
      await this.pass(next.unit);
      this.waiting.shift();
      this.waitingBytes -= next.unit.length;
      if (this.waitingBytes < MAX_WAITING_BYTES && !this.hole) this.from.resume();
    }
    this.working = false;
    if (this.senderEnded && this.waiting.length === 0) this.to.end();
  }

  private async pass(unit: Buffer): Promise<void> {
    const end = Math.min(this.bytesLeft, this.patternEnd(unit));
    for (let at = 0; at < Math.min(end, unit.length);) {
      await this.hole?.healed;
      const step = Math.max(1, Math.floor((this.bytesPerSecond * THROTTLE_TICK_MS) / 1_000));
      const piece = unit.subarray(at, Math.min(at + step, end, unit.length));
      if (!this.to.writable) return;
      await new Promise<void>((resolve) => this.to.write(piece, () => resolve()));
      at += piece.length;
      this.carriedBytes += piece.length;
      if (this.bytesPerSecond < Infinity) await sleep(THROTTLE_TICK_MS);
    }
    this.bytesLeft -= unit.length;
    if (end <= unit.length) this.options.cut();
  }

  /** Where in a unit the pattern ends that cuts, which may have begun in the unit before; infinite without one. */
  private patternEnd(unit: Buffer): number {
    const before = this.tail.length;
    const text = this.tail + unit.toString('latin1');
    this.tail = text.slice(-TAIL_BYTES);
    if (this.cutPattern === undefined) return Infinity;
    const end = endOfMatch(text, this.cutPattern, before);
    return end === undefined ? Infinity : end - before;
  }
}

/** Where the first match ends that does not end before `from`. */
function endOfMatch(text: string, pattern: Pattern, from = 0): number | undefined {
  const source = typeof pattern === 'string' ? pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : pattern.source;
  const flags = typeof pattern === 'string' ? '' : pattern.flags.replace(/[gy]/g, '');
  for (const match of text.matchAll(new RegExp(source, `${flags}g`))) {
    const end = match.index + match[0].length;
    if (end > from) return end;
  }
  return undefined;
}

export const matches = (text: string, pattern: Pattern): boolean => endOfMatch(text, pattern) !== undefined;
