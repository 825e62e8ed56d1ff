import type { Hint, LogPosition, StreamEvent } from '@tocsin/contracts';
import type { Metrics } from '@tocsin/observability';
import { formatPosition } from '../positions/cursor';
import { idLine } from './control-frame';
import { SharedBytes } from './gzip';
import type { View } from './view';

const BLANK_LINE = Buffer.from('\n\n');
const NO_BYTES = Buffer.alloc(0);

/** What stands before an entry's data, but for the id line. */
const opening = (hint: Hint, named: boolean): string =>
  named ? `event: ${hint.event satisfies StreamEvent}\ndata: ` : 'data: ';

/** An entry's frame without its id line: the same bytes for every stream, whatever its tenants. */
export const entryBody = (hint: Hint, named: boolean): Buffer =>
  Buffer.concat([Buffer.from(opening(hint, named)), hint.data!, BLANK_LINE]);

/** Whole frames, and how many they are. */
export class Frames extends SharedBytes {
  constructor(
    bytes: Buffer,
    readonly count: number,
  ) {
    super(bytes);
  }
}

/** Entries of one tenant that leave together. What is made of them is made once a view and shared by all its streams. */
export class EntryBatch {
  private readonly bodies = new Map<boolean, SharedBytes[]>();
  private readonly frames = new Map<View, Frames>();
  private lastView: View | undefined;
  private lastFrames!: Frames;

  /** What was written of it, added up here and counted once: a counter for each stream would cost as much as the write. */
  readonly written = { frames: 0, bytes: 0 };
  /** Behind the last entry: one object for all streams. */
  readonly end: LogPosition;

  constructor(readonly hints: readonly Hint[]) {
    const { epoch, seq, fp } = hints.at(-1)!;
    this.end = { epoch, seq, fp };
  }

  /** Counts what was written since the last time. */
  countWritten(metrics: Pick<Metrics, 'sseEventsSent' | 'sseBytesSent'>): void {
    const { written } = this;
    metrics.sseEventsSent.inc({ event: 'entry' }, written.frames);
    metrics.sseBytesSent.inc(written.bytes);
    written.frames = 0;
    written.bytes = 0;
  }

  /** All frames that a view passes, with their ids, for a stream of this one tenant, and how many they are. */
  framesFor(view: View): Frames {
    // nearly all streams want the same
    if (view === this.lastView) return this.lastFrames;
    let frames = this.frames.get(view);
    if (!frames) {
      const passing = this.hints.filter(view.passes);
      frames = new Frames(wholeFrames(passing, view.named), passing.length);
      this.frames.set(view, frames);
    }
    this.lastView = view;
    this.lastFrames = frames;
    return frames;
  }

  /** The bodies, in the order of `hints`, for a stream of several tenants: it writes id lines of its own. */
  bodiesFor(named: boolean): readonly SharedBytes[] {
    let bodies = this.bodies.get(named);
    if (!bodies) {
      bodies = this.hints.map((hint) => new SharedBytes(entryBody(hint, named)));
      this.bodies.set(named, bodies);
    }
    return bodies;
  }
}

/** Batches that were replayed of late, by their first entry: clients of one tenant that were cut at once come back to the same place. */
const replayed = new Map<Hint, EntryBatch>();
/** With what a stream replays at a time, 16 MB at most, and what is deflated of it. */
const MAX_REPLAYED = 256;

/** A batch to be replayed, shared with whoever replays the same entries from the same ring. */
export function replayBatch(hints: readonly Hint[]): EntryBatch {
  const first = hints[0]!;
  const known = replayed.get(first);
  if (known && known.hints.length === hints.length && known.hints.at(-1) === hints.at(-1)) return known;
  const batch = new EntryBatch(hints);
  replayed.delete(first);
  replayed.set(first, batch);
  if (replayed.size > MAX_REPLAYED) replayed.delete(replayed.keys().next().value!);
  return batch;
}

/** The frames of entries with their ids, in one buffer that is filled in place. */
function wholeFrames(hints: readonly Hint[], named: boolean): Buffer {
  if (hints.length === 0) return NO_BYTES;
  // ids and event names are ASCII: as many bytes as characters
  const openings = hints.map((hint) => idLine(formatPosition(hint)) + opening(hint, named));
  const length = hints.reduce((sum, { data }, i) => sum + openings[i]!.length + data!.length + BLANK_LINE.length, 0);
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  hints.forEach(({ data }, i) => {
    at += bytes.write(openings[i]!, at, 'latin1');
    at += data!.copy(bytes, at);
    at += BLANK_LINE.copy(bytes, at);
  });
  return bytes;
}
