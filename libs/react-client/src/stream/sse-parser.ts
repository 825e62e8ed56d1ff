/** One dispatched event of a stream. `data` is null for a block that only moves the position or sets the retry. */
export interface SseFrame {
  /** `message` when the stream does not name it. */
  event: string;
  data: string | null;
  /** The last event id as it stands behind this frame; empty: none. */
  id: string;
}

/** A frame longer than this is no frame of ours: rather end the stream than keep whatever comes. */
const MAX_FRAME_LENGTH = 4_194_304;

/**
 * Reads `text/event-stream` as the HTML standard has it (9.2.6), however it is cut into pieces: CR, LF and CRLF end a line,
 * one byte order mark is skipped, what the end of the stream cuts off is discarded. Give it the text of a streaming
 * TextDecoder, which skips that mark.
 */
export class SseParser {
  /** In milliseconds, once the stream has said it. It persists. */
  retryMs: number | undefined;
  private rest = '';
  private event = '';
  private data: string[] = [];
  private length = 0;
  private touched = false;
  private nextId: string;

  /** `id` is the position that the stream was asked to resume at: it stands until a frame changes it. */
  constructor(private id = '') {
    this.nextId = id;
  }

  /** Takes the next piece and returns the frames that are whole with it. Throws `RangeError` when a frame grows beyond bounds. */
  push(text: string): SseFrame[] {
    const frames: SseFrame[] = [];
    const whole = this.rest + text;
    let start = 0;
    for (;;) {
      const end = endOfLine(whole, start);
      // a CR at the very end may be the half of a CRLF: the next piece tells
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

  /** At a blank line. The id counts from here on: a frame that is cut off moves no position. */
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
