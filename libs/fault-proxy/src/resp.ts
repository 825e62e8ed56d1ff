const CRLF = Buffer.from('\r\n');
const SIMPLE = new Set([...'+-:_#,(']);
const BULK = new Set([...'$=!']);
const AGGREGATE: Record<string, number> = { '*': 1, '~': 1, '>': 1, '%': 2, '|': 2 };

/** Cuts what a Redis server sends into whole replies, RESP2 and RESP3, so that exactly one of them can be taken out. */
export class RespSplitter {
  private pending = Buffer.alloc(0);

  /** The replies that are complete now; the rest waits for more. */
  push(bytes: Buffer): Buffer[] {
    this.pending = Buffer.concat([this.pending, bytes]);
    const replies: Buffer[] = [];
    for (let end = endOfReply(this.pending, 0); end !== undefined; end = endOfReply(this.pending, 0)) {
      replies.push(this.pending.subarray(0, end));
      this.pending = this.pending.subarray(end);
    }
    return replies;
  }
}

/** Where the reply that begins at `at` ends; undefined while it is not complete. */
function endOfReply(bytes: Buffer, at: number): number | undefined {
  const lineEnd = bytes.indexOf(CRLF, at);
  if (lineEnd < 0) return undefined;
  const kind = String.fromCharCode(bytes[at]!);
  const count = Number(bytes.toString('latin1', at + 1, lineEnd));
  let end: number | undefined = lineEnd + CRLF.length;
  if (SIMPLE.has(kind)) return end;
  if (BULK.has(kind)) {
    // a count of -1 is null, and has no bytes
    if (count >= 0) end += count + CRLF.length;
    return end <= bytes.length ? end : undefined;
  }
  const width = AGGREGATE[kind];
  if (width === undefined) throw new Error(`Not a reply of Redis: it begins with ${JSON.stringify(kind)}.`);
  for (let left = Math.max(0, count) * width; left > 0 && end !== undefined; left -= 1) end = endOfReply(bytes, end);
  // an attribute stands before the reply that it belongs to
  return kind === '|' && end !== undefined ? endOfReply(bytes, end) : end;
}
