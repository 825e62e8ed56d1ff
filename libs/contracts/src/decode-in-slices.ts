import { decodeBody, decodeValue, MAX_DEPTH, tooDeep, type DecodedBody } from './decode-body';
import type { MessageErrorCode } from './errors';
import { Turns } from './turns';

/** What is no larger is decoded at once: a millisecond or two, whatever it holds. */
const AT_ONCE_BYTES = 65_536;
/** A part that is larger is no message; what a webhook says of one alert may be, and be cut. */
const MAX_PART_BYTES = 1_048_576;
/** Values in a part of more than `AT_ONCE_BYTES`: each costs as much as a hundred characters. */
const MAX_PART_VALUES = 16_384;
/** Fields of a large object: no shape that anybody sends has so many beside its list. */
const MAX_FIELDS = 1_024;
/** Items of one list of a large body. */
const MAX_ITEMS = 100_000;

export type DecodedInSlices = { ok: true; value: unknown } | { ok: false; code: MessageErrorCode | 'batch_too_large'; detail: string };

/**
 * `decodeBody` for a body of many messages. JSON.parse of some megabytes holds the event loop for seconds when they are
 * all brackets, so a large body is taken apart first: a list into its items, an object into its fields and the lists among
 * them into their items. Each part is decoded alone, and the loop has its turn in between. What is in there is counted
 * before it is decoded. `maxItems` bounds the outermost list.
 */
export async function decodeInSlices(bytes: Buffer, maxItems: number): Promise<DecodedInSlices> {
  if (bytes.length <= AT_ONCE_BYTES) {
    const decoded = decodeBody(bytes, AT_ONCE_BYTES);
    return decoded.ok && Array.isArray(decoded.value) && decoded.value.length > maxItems ? tooMany(maxItems) : decoded;
  }
  try {
    const reader = new PartReader(bytes);
    const value = await reader.whole(maxItems);
    return { ok: true, value };
  } catch (fault) {
    if (fault instanceof Fault) return fault.verdict;
    throw fault;
  }
}

class Fault extends Error {
  constructor(readonly verdict: Exclude<DecodedInSlices, { ok: true }>) {
    super(verdict.code);
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const tooMany = (maxItems: number): Exclude<DecodedInSlices, { ok: true }> => ({ ok: false, code: 'batch_too_large', detail: `At most ${maxItems} messages are accepted at once.` });
const notJson = () => new Fault({ ok: false, code: 'invalid_json', detail: 'The body is not valid JSON.' });
const partTooLarge = () => new Fault({ ok: false, code: 'message_too_large', detail: 'A part of the body is larger than any message may be.' });

/** Walks over a body by its brackets, and leaves what stands between them to `decodeValue`. */
class PartReader {
  private readonly turns = new Turns();
  private at: number;

  constructor(private readonly bytes: Buffer) {
    // a byte order mark, as TextDecoder passes over it
    this.at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  }

  async whole(maxItems: number): Promise<unknown> {
    const value = this.next() === OPEN_LIST ? await this.list(0, maxItems) : this.next() === OPEN_OBJECT ? await this.object() : this.part(0);
    if (this.next() !== undefined) throw notJson();
    return value;
  }

  private async object(): Promise<Record<string, unknown>> {
    const object: Record<string, unknown> = {};
    let fields = 0;
    await this.items(CLOSE_OBJECT, async () => {
      if (++fields > MAX_FIELDS) throw partTooLarge();
      if (this.next() !== QUOTE) throw notJson();
      const name = this.part(1) as string;
      if (this.next() !== COLON) throw notJson();
      this.at += 1;
      const value = this.next() === OPEN_LIST ? await this.list(1, MAX_ITEMS) : this.part(1);
      // assignment would give `__proto__` a meaning
      Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
    });
    return object;
  }

  private async list(depth: number, maxItems: number): Promise<unknown[]> {
    const list: unknown[] = [];
    await this.items(CLOSE_LIST, () => {
      if (list.length >= maxItems) throw new Fault(tooMany(maxItems));
      list.push(this.part(depth + 1));
    });
    return list;
  }

  /** Calls `read` at each item between the brackets. */
  private async items(close: number, read: () => void | Promise<void>): Promise<void> {
    this.at += 1;
    if (this.next() === close) return void (this.at += 1);
    for (;;) {
      const reading = read();
      if (reading) await reading;
      if (this.turns.over) await this.turns.next();
      const mark = this.next();
      this.at += 1;
      if (mark === close) return;
      if (mark !== COMMA) throw notJson();
    }
  }

  /** The next byte that is no white space; undefined at the end. */
  private next(): number | undefined {
    const { bytes } = this;
    const last = this.at + MAX_PART_BYTES;
    let byte = bytes[this.at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      byte = bytes[++this.at];
      if (this.at > last) throw partTooLarge();
    }
    return byte;
  }

  private part(depth: number): unknown {
    // of a byte order mark in here the decoder would say nothing
    if (this.next() === 0xef) throw notJson();
    const end = this.endOfPart(depth);
    const decoded: DecodedBody = decodeValue(this.bytes.subarray(this.at, end), depth);
    if (!decoded.ok) throw new Fault(decoded);
    this.at = end;
    return decoded.value;
  }

  /** Where the value that begins here ends, if it is JSON: whether it is, its decoder says. */
  private endOfPart(depth: number): number {
    const { bytes } = this;
    const last = Math.min(bytes.length, this.at + MAX_PART_BYTES);
    let open = 0;
    let values = 0;
    let end = this.at;
    for (; end < last; end += 1) {
      const byte = bytes[end]!;
      if (byte === QUOTE) {
        end = this.endOfText(end, last);
        if (open === 0) return this.checked(end + 1, values);
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        if (depth + open >= MAX_DEPTH) throw new Fault(tooDeep);
        open += 1;
        values += 1;
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        if (open === 0) break;
        if (--open === 0) return this.checked(end + 1, values);
      } else if (byte === COMMA || byte === COLON) {
        if (open === 0) break;
        values += 1;
      }
    }
    if (end === last && last < bytes.length) throw partTooLarge();
    if (open > 0) throw notJson();
    return this.checked(end, values);
  }

  /** The closing quote of a text. */
  private endOfText(from: number, last: number): number {
    const { bytes } = this;
    for (let at = from + 1; at < last; at += 1) {
      const byte = bytes[at];
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) return at;
    }
    throw last < bytes.length ? partTooLarge() : notJson();
  }

  private checked(end: number, values: number): number {
    if (values > MAX_PART_VALUES && end - this.at > AT_ONCE_BYTES) throw partTooLarge();
    return end;
  }
}
