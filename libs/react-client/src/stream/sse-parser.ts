/** One dispatched event of a stream. `data` is null for a block that only moves the position or sets the retry. */
export interface SseFrame {
  /** The event's name; `message` when the stream gives none. */
  event: string;
  data: string | null;
  /** The last event id after this frame; empty: none. */
  id: string;
}

/** In characters. The gateway sends no longer frame, so a longer one ends the stream before it fills the memory. */
const MAX_FRAME_LENGTH = 4_194_304;

/**
 * Parses `text/event-stream` as the HTML standard says (9.2.6), wherever the text is cut into pieces: CR, LF and CRLF
 * end a line, one byte order mark is skipped, and an incomplete frame at the end of the stream is discarded. Its input
 * is the text of a streaming TextDecoder, which skips that mark.
 */
export class SseParser {
  /** The last `retry:` of the stream, in milliseconds; undefined before the first. */
  retryMs: number | undefined;
  private rest = '';
  private event = '';
  private data: string[] = [];
  private length = 0;
  private touched = false;
  private nextId: string;

  /** `id` is the position that the stream was asked to resume at; it is valid until a frame changes it. */
  constructor(private id = '') {
    this.nextId = id;
  }

  /**
   * Takes the next piece of text and returns the frames that it completes. Throws `RangeError` when a frame is longer
   * than 4,194,304 characters.
   */
  push(text: string): SseFrame[] {
    const frames: SseFrame[] = [];
    const whole = this.rest + text;
    let start = 0;
    for (;;) {
      const end = endOfLine(whole, start);
      // a CR at the very end may be half of a CRLF: the next piece will show
      if (end < 0 || (whole[end] === '\r' && end === whole.length - 1)) break;
      this.line(whole.slice(start, end), frames);
      start = end + (whole[end] === '\r' && whole[end + 1] === '\n' ? 2 : 1);
    }
    this.rest = whole.slice(start);
    if (this.rest.length + this.length > MAX_FRAME_LENGTH) throw new RangeError('a frame of the stream is too long');
    return frames;
  }

  private line(line: string, frames: SseFrame[]): void {
    if (line === '') return this.dispatch(frames);
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') this.event = value;
    else if (field === 'data') {
      this.data.push(value);
      this.length += value.length;
    } else if (field === 'id') {
      if (value.includes('\0')) return;
      this.nextId = value;
      this.touched = true;
    } else if (field === 'retry' && /^[0-9]+$/.test(value)) this.retryMs = Number(value);
  }

  /** Called at a blank line. Only now does the id take effect: an incomplete frame must not move the position. */
  private dispatch(frames: SseFrame[]): void {
    this.id = this.nextId;
    if (this.data.length > 0) frames.push({ event: this.event || 'message', data: this.data.join('\n'), id: this.id });
    else if (this.touched) frames.push({ event: 'message', data: null, id: this.id });
    this.event = '';
    this.data = [];
    this.length = 0;
    this.touched = false;
  }
}

function endOfLine(text: string, from: number): number {
  const lf = text.indexOf('\n', from);
  const cr = text.indexOf('\r', from);
  if (lf < 0 || cr < 0) return Math.max(lf, cr);
  return Math.min(lf, cr);
}
