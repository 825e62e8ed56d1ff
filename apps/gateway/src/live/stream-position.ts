import type { Hint, LogPosition, TenantId } from '@tocsin/contracts';
import { idLine } from '../frames/control-frame';
import type { EntryBatch } from '../frames/entry-batch';
import type { SharedBytes } from '../frames/gzip';
import type { View } from '../frames/view';
import { formatCursor, formatPosition, MAX_POSITIONS, type Cursor } from '../positions/cursor';

/** A tenant that a stream follows. */
export interface Place {
  readonly tenant: TenantId;
  /** The last entry that was written or passed over: what the client's cursor says of this tenant. */
  sent: LogPosition;
}

/** Frames of several tenants' streams: each has an id line of its own, before a body that streams share. */
interface OwnFrames {
  readonly count: number;
  readonly pieces: readonly (string | SharedBytes)[];
}

const positionOf = ({ epoch, seq, fp }: LogPosition): LogPosition => ({ epoch, seq, fp });

/**
 * Where one client stands in its tenants' logs, and what of a batch it gets. The position moves over every entry of a batch, in
 * order, whether the view passes it or not: no cursor names an entry that is not written before it, and none is sent twice.
 */
export class StreamPosition<P extends Place> {
  /** Few, mostly one: a map for each stream would be the larger part of it. */
  private readonly places: P[] = [];
  /** Where the client stands in tenants that the stream does not follow: in its cursor for when they come back, and for nothing else. */
  private left: Map<TenantId, LogPosition> | undefined;

  constructor(private readonly view: View) {}

  /** The tenants that the stream follows, in the order of its cursor. */
  get followed(): readonly P[] {
    return this.places;
  }

  /** Takes up a tenant. */
  follow(place: P): void {
    this.left?.delete(place.tenant);
    this.places.push(place);
    this.makeRoom();
  }

  /** Gives a tenant up, and keeps where the client stands in it. Undefined when the stream does not follow it. */
  drop(tenant: TenantId): P | undefined {
    const at = this.places.findIndex((place) => place.tenant === tenant);
    const [dropped] = at < 0 ? [] : this.places.splice(at, 1);
    if (dropped) this.keep(new Map([[tenant, dropped.sent]]));
    return dropped;
  }

  /** Keeps positions in tenants that the stream does not follow, as far as the cursor has room. */
  keep(positions: Cursor): void {
    for (const [tenant, position] of positions) (this.left ??= new Map()).set(tenant, position);
    this.makeRoom();
  }

  /** Where the client stands in a tenant that the stream does not follow, if it is known. */
  keptOf(tenant: TenantId): LogPosition | undefined {
    return this.left?.get(tenant);
  }

  /** What the `id` of a frame says that is written now. */
  cursor(): string {
    const [only] = this.places;
    if (only && this.isAlone) return formatPosition(only.sent);
    return formatCursor([
      ...this.places.map(({ tenant, sent }): [TenantId, LogPosition] => [tenant, sent]),
      ...(this.left ?? []),
    ]);
  }

  /** Whether one tenant's position is the whole cursor, the same for all streams that are level: they share whole frames. */
  get isAlone(): boolean {
    return this.places.length === 1 && this.left === undefined;
  }

  /** Moves behind a batch, and returns its frames that the view passes. For a stream that is alone. */
  advance(place: P, batch: EntryBatch): ReturnType<EntryBatch['framesFor']> {
    const frames = batch.framesFor(this.view);
    place.sent = batch.end;
    return frames;
  }

  /** The same with id lines that name all of the tenants. */
  advanceWithIds(place: P, batch: EntryBatch): OwnFrames {
    const bodies = batch.bodiesFor(this.view.named);
    const pieces: (string | SharedBytes)[] = [];
    batch.hints.forEach((hint: Hint, i) => {
      place.sent = positionOf(hint);
      if (this.view.passes(hint)) pieces.push(idLine(this.cursor()), bodies[i]!);
    });
    return { count: pieces.length / 2, pieces };
  }

  /** The tenants of the stream come first, and of the others those that left it last. */
  private makeRoom(): void {
    for (const tenant of this.left?.keys() ?? []) {
      if (this.places.length + this.left!.size <= MAX_POSITIONS) break;
      this.left!.delete(tenant);
    }
    if (this.left?.size === 0) this.left = undefined;
  }
}
