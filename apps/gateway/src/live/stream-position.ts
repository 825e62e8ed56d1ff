import type { Hint, LogPosition, TenantId } from '@tocsin/contracts';
import { endOfFrame } from '../frames/control-frame';
import type { EntryBatch } from '../frames/entry-batch';
import type { SharedBytes } from '../frames/gzip';
import type { View } from '../frames/view';
import { formatCursor, formatPosition, MAX_POSITIONS, type Cursor } from '../positions/cursor';

/** A tenant that a stream follows. */
export interface Place {
  readonly tenant: TenantId;
  /** The last entry that was written or filtered out: the client's cursor has this position for the tenant. */
  sent: LogPosition;
}

/** Frames for a stream of several tenants: each has its own id line before a body that streams share. */
interface OwnFrames {
  readonly count: number;
  readonly pieces: readonly (string | SharedBytes)[];
}

/** The id lines of fewer entries fit beside what is counted. */
const FEW_ENTRIES = 16;

const positionOf = ({ epoch, seq, fp }: LogPosition): LogPosition => ({ epoch, seq, fp });

/**
 * A client's position in its tenants' event logs; it decides which entries of a batch the client gets. The position
 * moves over every entry of a batch, in order, also over those that the view filters out. So a cursor never covers an
 * entry that should have been written and was not, and no entry is sent twice.
 */
export class StreamPosition<P extends Place> {
  /** There are few places, mostly one: a map would take most of the memory of this object. */
  private places: readonly P[] = [];
  /**
   * The client's positions in tenants that the stream does not follow. They are only kept in its cursor, for when those
   * tenants come back.
   */
  private left: Map<TenantId, LogPosition> | undefined;

  constructor(private readonly view: View) {}

  /** The tenants that the stream follows, in the order of its cursor. */
  get followed(): readonly P[] {
    return this.places;
  }

  /** Starts to follow a tenant. */
  follow(place: P): void {
    this.left?.delete(place.tenant);
    this.places = this.places.concat(place); // not by push, which reserves room for seventeen
    this.makeRoom();
  }

  /** Stops following a tenant and keeps the client's position in it. Undefined when the stream does not follow it. */
  drop(tenant: TenantId): P | undefined {
    const dropped = this.places.find((place) => place.tenant === tenant);
    if (!dropped) return undefined;
    this.places = this.places.filter((place) => place !== dropped);
    this.keep(new Map([[tenant, dropped.sent]]));
    return dropped;
  }

  /** Keeps positions in tenants that the stream does not follow, as far as the cursor has room. */
  keep(positions: Cursor): void {
    for (const [tenant, position] of positions) (this.left ??= new Map()).set(tenant, position);
    this.makeRoom();
  }

  /** The client's position in a tenant that the stream does not follow, if it is known. */
  keptOf(tenant: TenantId): LogPosition | undefined {
    return this.left?.get(tenant);
  }

  /** The `id` of a frame that is written now. */
  cursor(): string {
    const [only] = this.places;
    if (only && this.isAlone) return formatPosition(only.sent);
    return formatCursor([
      ...this.places.map(({ tenant, sent }): [TenantId, LogPosition] => [tenant, sent]),
      ...(this.left ?? []),
    ]);
  }

  /**
   * About how many bytes the id lines of so many entries take: nothing to speak of, unless each has the positions in
   * several tenants.
   */
  idBytes(entries: number): number {
    return this.isAlone || entries < FEW_ENTRIES ? 0 : entries * this.cursor().length;
  }

  /**
   * Whether one tenant's position is the whole cursor. It is then the same for all streams at that position, and they
   * share whole frames.
   */
  get isAlone(): boolean {
    return this.places.length === 1 && this.left === undefined;
  }

  /**
   * Moves the position past a batch and returns the batch's frames that pass the view. Only for a stream whose
   * `isAlone` is true.
   */
  advance(place: P, batch: EntryBatch): ReturnType<EntryBatch['framesFor']> {
    const frames = batch.framesFor(this.view);
    place.sent = batch.end;
    return frames;
  }

  /** The same for any stream, with id lines that name all of its tenants. */
  advanceWithIds(place: P, batch: EntryBatch): OwnFrames {
    const bodies = batch.bodiesFor(this.view.form);
    const pieces: (string | SharedBytes)[] = [];
    batch.hints.forEach((hint: Hint, i) => {
      place.sent = positionOf(hint);
      if (this.view.passes(hint)) pieces.push(bodies[i]!, endOfFrame(this.cursor()));
    });
    return { count: pieces.length / 2, pieces };
  }

  /** Drops positions beyond the cursor's room. The stream's own tenants take precedence, then those that left last. */
  private makeRoom(): void {
    for (const tenant of this.left?.keys() ?? []) {
      if (this.places.length + this.left!.size <= MAX_POSITIONS) break;
      this.left!.delete(tenant);
    }
    if (this.left?.size === 0) this.left = undefined;
  }
}
