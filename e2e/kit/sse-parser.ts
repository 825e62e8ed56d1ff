/** One dispatched event, as the standard describes it, and the fields of its own block. */
export interface SseEvent {
  /** Default `message`. */
  event: string;
  data: string;
  /**
   * The last event id that a browser has when it dispatches this event: the one of an earlier block when this block has
   * none.
   */
  lastEventId: string;
  /** The `id` line of this block. */
  id: string | undefined;
  retryMs: number | undefined;
}

const LF = 0x0a;
const CR = 0x0d;
const FIELDS = ['id', 'event', 'data', 'retry'];
/** Events that an EventSource fires itself. */
const RESERVED = ['open', 'error'];
const ID = /^[A-Za-z0-9._~:=;-]+$/;

/**
 * Parses an event stream from raw bytes exactly as the standard says (WHATWG HTML, section 9.2.6), and notes in
 * `faults` what the standard allows but Tocsin's streams must not contain. It shares no code with the product.
 */
export class SseParser {
  readonly events: SseEvent[] = [];
  readonly comments: string[] = [];
  readonly faults: string[] = [];
  lastEventId = '';
  retryMs: number | undefined;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private pending = Buffer.alloc(0);
  private atStart = true;
  private block = emptyBlock();
  /** The last event id that the current block would set. It counts once the block is complete. */
  private idBuffer = '';

  constructor(private readonly onEvent: (event: SseEvent) => void = () => undefined) {}

  push(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      const end = firstOf(this.pending.indexOf(LF), this.pending.indexOf(CR));
      // A CR that ends the chunk may be the first half of a CRLF.
      if (end < 0 || (this.pending[end] === CR && end === this.pending.length - 1)) return;
      if (this.pending[end] === CR) this.faults.push('a line ends with CR');
      const width = this.pending[end] === CR && this.pending[end + 1] === LF ? 2 : 1;
      this.line(this.decode(this.pending.subarray(0, end)));
      this.pending = this.pending.subarray(end + width);
    }
  }

  private decode(bytes: Buffer): string {
    let text = '';
    try {
      text = this.decoder.decode(bytes);
    } catch {
      this.faults.push('a line is not UTF-8');
    }
    if (this.atStart && text.startsWith('\ufeff')) {
      this.faults.push('the stream begins with a byte order mark');
      text = text.slice(1);
    }
    this.atStart = false;
    return text;
  }

  private line(line: string): void {
    if (line === '') return this.dispatch();
    if (line.startsWith(':')) return void this.comments.push(line.slice(1));
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (!FIELDS.includes(field)) this.faults.push(`an unknown field: ${field}`);
    if (field === 'data') this.block.data.push(value);
    if (field === 'event') this.block.event = value;
    if (field === 'id') this.takeId(value);
    if (field === 'retry') this.takeRetry(value);
  }

  private takeId(value: string): void {
    if (this.block.id !== undefined) this.faults.push('a block with two ids');
    if (value === '') this.faults.push('an empty id, which takes the cursor away');
    else if (!ID.test(value)) this.faults.push('an id with a character that needs escaping somewhere');
    if (value.includes('\0')) return;
    this.block.id = value;
    this.idBuffer = value;
  }

  private takeRetry(value: string): void {
    if (!/^[0-9]+$/.test(value)) return void this.faults.push('a retry that is no number');
    this.block.retryMs = Number(value);
    this.retryMs = Number(value);
  }

  private dispatch(): void {
    const { data, event, id, retryMs } = this.block;
    this.block = emptyBlock();
    this.lastEventId = this.idBuffer;
    if (data.length === 0) {
      if (event || id !== undefined) this.faults.push('a block without data, which no client sees');
      return;
    }
    if (RESERVED.includes(event)) this.faults.push(`an event called ${event}`);
    const dispatched = { event: event || 'message', data: data.join('\n'), lastEventId: this.lastEventId, id, retryMs };
    this.events.push(dispatched);
    this.onEvent(dispatched);
  }
}

const firstOf = (a: number, b: number): number => (a < 0 || (b >= 0 && b < a) ? b : a);
const emptyBlock = () => ({
  event: '',
  data: [] as string[],
  id: undefined as string | undefined,
  retryMs: undefined as number | undefined,
});
