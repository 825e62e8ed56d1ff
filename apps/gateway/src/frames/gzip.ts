import { constants, crc32, deflateRawSync } from 'node:zlib';

/** The head's field for a stream that is encoded so. */
export const GZIP_FIELD = 'Content-Encoding: gzip\r\n';

/** RFC 1952: deflate, no flags, no time, no system. The same for every stream. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty block that says it is the last. */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);
const NOTHING = Buffer.alloc(0);
/** What one client alone gets is stored as it is, if it is shorter: deflating would take off a fifth, for more time than the write takes. */
const STORED_BELOW = 1_024;

/**
 * Whole deflate blocks, none of them the last, that end on a byte and refer to nothing before them: they decode behind any
 * others, and to the end. Level 1 leaves 1 to 3 % more of alerts than the usual 6 does, and takes half the time where there is much.
 */
const deflate = (bytes: Buffer): Buffer =>
  deflateRawSync(bytes, { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_FULL_FLUSH });

/** The same for less than 64 KiB without deflating: a stored block (RFC 1951, section 3.2.4). */
function store(bytes: Buffer): Buffer {
  const block = Buffer.allocUnsafe(5 + bytes.length);
  block.writeUInt8(0, 0);
  block.writeUInt16LE(bytes.length, 1);
  block.writeUInt16LE(0xffff - bytes.length, 3);
  bytes.copy(block, 5);
  return block;
}

/** Bytes for any number of streams: as they are, and deflated, once, when the first stream wants them so. */
export class SharedBytes {
  private blocks: Buffer | undefined;

  constructor(readonly bytes: Buffer) {}

  get deflated(): Buffer {
    return (this.blocks ??= deflate(this.bytes));
  }
}

/**
 * The gzip encoding of one stream, put together from pieces that other streams get too. Each piece can be read as soon as it
 * is there, and costs a stream nothing but its checksum: that is kept up because a stream that was closed ends as RFC 1952
 * wants it, which strict readers (Go, Java, Node's `Gunzip`) would otherwise call an error. A connection that breaks has no
 * end, in gzip as without it. Pieces count in the order in which they are asked for: that must be the order on the wire.
 */
export class GzipStream {
  private checksum = 0;
  private length = 0;

  /** What others get too. Not the first of a stream. */
  shared(part: SharedBytes): Buffer {
    this.count(part.bytes);
    return part.deflated;
  }

  /** What this client alone gets, behind the header if it is the first, before the trailer if it is the last. */
  own(text: string, isLast = false): Buffer {
    const header = this.length === 0 ? HEADER : NOTHING;
    const bytes = Buffer.from(text);
    this.count(bytes);
    return Buffer.concat([
      header,
      bytes.length < STORED_BELOW ? store(bytes) : deflate(bytes),
      isLast ? this.trailer() : NOTHING,
    ]);
  }

  private count(bytes: Buffer): void {
    this.checksum = crc32(bytes, this.checksum);
    this.length += bytes.length;
  }

  private trailer(): Buffer {
    const sums = Buffer.allocUnsafe(8);
    sums.writeUInt32LE(this.checksum, 0);
    sums.writeUInt32LE(this.length % 2 ** 32, 4);
    return Buffer.concat([LAST_BLOCK, sums]);
  }
}
