/** Where a client stands in one tenant's log. `fp` proves it to the server; here it only travels. */
interface Position {
  epoch: string;
  seq: number;
  fp: string;
}

/** By tenant. A stream of one tenant does not say whose its position is: then the key is empty. */
type Positions = ReadonlyMap<string, Position>;

const POSITION = /^([^-]+)-(\d+)-([^-]+)$/;

/** Reads a cursor, the `id` of a stream. What is none of ours is no position: the server judges it. */
export function readCursor(cursor: string | null | undefined): Positions {
  const positions = new Map<string, Position>();
  for (const part of (cursor ?? '').split(';')) {
    const at = part.indexOf('=');
    const [, epoch, seq, fp] = POSITION.exec(part.slice(at + 1)) ?? [];
    if (epoch && seq && fp) positions.set(part.slice(0, Math.max(0, at)), { epoch, seq: Number(seq), fp });
  }
  return positions;
}

const writeCursor = (positions: Positions): string =>
  [...positions].map(([tenant, { epoch, seq, fp }]) => `${tenant && `${tenant}=`}${epoch}-${seq}-${fp}`).join(';');

/**
 * Of two cursors of one stream the one that stands behind, tenant by tenant: who starts there misses nothing that either has
 * not heard. Null when they cannot be compared: another history, other tenants, or no cursor.
 */
export function earliest(a: string, b: string): string | null {
  const [left, right] = [readCursor(a), readCursor(b)];
  if (left.size === 0 || left.size !== right.size) return null;
  const merged = new Map<string, Position>();
  for (const [tenant, position] of left) {
    const other = right.get(tenant);
    if (!other || other.epoch !== position.epoch) return null;
    merged.set(tenant, other.seq < position.seq ? other : position);
  }
  return writeCursor(merged);
}

/** The cursor of who has heard both. `b` is the newer of two that cannot be compared. */
export function latest(a: string | null, b: string): string {
  if (a === null || a === b) return b;
  const [left, right] = [readCursor(a), readCursor(b)];
  if (left.size === 0 || right.size === 0) return b;
  const merged = new Map(right);
  for (const [tenant, position] of right) {
    const other = left.get(tenant);
    if (other && other.epoch === position.epoch && other.seq > position.seq) merged.set(tenant, other);
  }
  return writeCursor(merged);
}

/** Whether who stands at `cursor` has heard all that who stands at `other` has. */
export function covers(cursor: string, other: string): boolean {
  const [left, right] = [readCursor(cursor), readCursor(other)];
  return (
    right.size > 0 &&
    [...right].every(([tenant, { epoch, seq }]) => {
      const position = left.get(tenant);
      return position !== undefined && position.epoch === epoch && position.seq >= seq;
    })
  );
}
