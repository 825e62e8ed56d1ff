import type { Hint, LogPosition, StreamEvent } from '@tocsin/contracts';
import type { Metrics } from '@tocsin/observability';
import { formatPosition } from '../positions/cursor';
import { endOfFrame } from './control-frame';
import { SharedBytes } from './gzip';
import { topicDataOf } from './topic-data';
import type { EntryForm, View } from './view';

const LINE_END = Buffer.from('\n');
const NO_BYTES = Buffer.alloc(0);

/**
 * The lines before an entry's data. The id line comes last in a frame, behind the data: a client that takes an id as it
 * reads the line, and not with the whole event as the standard has it, would skip an entry that was cut off.
 */
const OPENINGS: Readonly<Record<EntryForm, (hint: Hint) => string>> = {
  named: (hint) => `event: ${hint.event satisfies StreamEvent}\ndata: `,
  nameless: () => 'data: ',
  topic: () => 'event: message\ndata: ',
};

/** An entry that does not pass the view of a topic is not written, whatever stands here. */
const dataOf = (hint: Hint, form: EntryForm): Buffer =>
  form === 'topic' ? (topicDataOf(hint) ?? NO_BYTES) : hint.data!;

/** An entry's frame up to its id line: the same bytes for every stream, whichever tenants it follows. */
const entryBody = (hint: Hint, form: EntryForm): Buffer =>
  Buffer.concat([Buffer.from(OPENINGS[form](hint)), dataOf(hint, form), LINE_END]);

/** The bytes of complete frames, and the number of frames. */
class Frames extends SharedBytes {
  constructor(
    bytes: Buffer,
    readonly count: number,
  ) {
    super(bytes);
  }
}

/**
 * Entries of one tenant that are written together. Their frames are built once for each view and shared by all its
 * streams.
 */
export class EntryBatch {
  private readonly bodies = new Map<EntryForm, SharedBytes[]>();
  private readonly frames = new Map<View, Frames>();
  private lastView: View | undefined;
  private lastFrames!: Frames;

  /**
   * Frames and bytes written so far, added up here and counted once: a metric update for each stream would cost as much
   * as the write.
   */
  readonly written = { frames: 0, bytes: 0 };
  /** The position after the last entry: one object for all streams. */
  readonly end: LogPosition;
  /** How many bytes the entries have, without the other lines of their frames. */
  readonly dataBytes: number;

  constructor(readonly hints: readonly Hint[]) {
    const { epoch, seq, fp } = hints.at(-1)!;
    this.end = { epoch, seq, fp };
    this.dataBytes = hints.reduce((sum, { data }) => sum + data!.length, 0);
  }

  /** Adds to the metrics what was written since the last call. */
  countWritten(metrics: Pick<Metrics, 'sseEventsSent' | 'sseBytesSent'>): void {
    const { written } = this;
    metrics.sseEventsSent.inc({ event: 'entry' }, written.frames);
    metrics.sseBytesSent.inc(written.bytes);
    written.frames = 0;
    written.bytes = 0;
  }

  /** The frames, with their ids, of all entries that pass a view, for a stream of this one tenant. */
  framesFor(view: View): Frames {
    // Nearly all streams have the same view.
    if (view === this.lastView) return this.lastFrames;
    let frames = this.frames.get(view);
    if (!frames) {
      const passing = this.hints.filter(view.passes);
      frames = new Frames(wholeFrames(passing, view.form), passing.length);
      this.frames.set(view, frames);
    }
    this.lastView = view;
    this.lastFrames = frames;
    return frames;
  }

  /** The bodies, in the order of `hints`, for a stream of several tenants, which writes id lines of its own. */
  bodiesFor(form: EntryForm): readonly SharedBytes[] {
    let bodies = this.bodies.get(form);
    if (!bodies) {
      bodies = this.hints.map((hint) => new SharedBytes(entryBody(hint, form)));
      this.bodies.set(form, bodies);
    }
    return bodies;
  }
}

/**
 * Recently replayed batches, by their first entry: clients of one tenant that were disconnected together resume from
 * the same position.
 */
const replayed = new Map<Hint, EntryBatch>();
/**
 * The most batches that are kept. With the size that a stream replays at a time this is about 16 MB for each view, plus
 * their compressed form, plus the entries that their rings no longer hold.
 */
const MAX_REPLAYED = 256;

/** A batch for a replay, shared by all streams that replay the same entries from the same ring. */
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

/** The frames of entries with their ids, in one preallocated buffer. */
function wholeFrames(hints: readonly Hint[], form: EntryForm): Buffer {
  if (hints.length === 0) return NO_BYTES;
  // Ids and event names are ASCII: one byte for each character.
  const openings = hints.map((hint) => OPENINGS[form](hint));
  const datas = hints.map((hint) => dataOf(hint, form));
  const ends = hints.map((hint) => `\n${endOfFrame(formatPosition(hint))}`);
  const length = datas.reduce((sum, data, i) => sum + openings[i]!.length + data.length + ends[i]!.length, 0);
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  datas.forEach((data, i) => {
    at += bytes.write(openings[i]!, at, 'latin1');
    at += data.copy(bytes, at);
    at += bytes.write(ends[i]!, at, 'latin1');
  });
  return bytes;
}
