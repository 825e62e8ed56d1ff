/** How long a row that no longer belongs to a list stays, muted, so that one sees what became of it. */
export const LINGER_MS = 5_000;

interface Row {
  alert_id: string;
}

export interface Settled<T extends Row> {
  rows: readonly T[];
  /** What belongs to the list and waits above it. */
  fresh: readonly T[];
  /** Those of the rows that do not belong to it any more, as they were shown. */
  left: readonly T[];
}

/**
 * The rows that are shown of a list. One that moves under the hand makes people act on the wrong alert: while it must not move,
 * rows keep their places, what is new waits above, and only what comes after the last row is added, which moves nothing. While
 * it may, rows that left stay for as long as they linger, each beside the row that it stood behind.
 *
 * What both lists end with is compared and not looked at again: with ten thousand rows this runs for each frame in which
 * something arrives, and what arrives stands at the top.
 */
export function settle<T extends Row>(
  shown: readonly T[],
  wanted: readonly T[],
  mayMove: boolean,
  lingers: (row: T) => boolean,
): Settled<T> {
  if (shown.length === 0) return { rows: wanted, fresh: [], left: [] };
  const same = commonTail(shown, wanted);
  const shownAbove = shown.slice(0, shown.length - same);
  const wantedAbove = wanted.slice(0, wanted.length - same);
  const belonging = new Map(wantedAbove.map((row) => [row.alert_id, row]));
  const belongs = ({ alert_id }: Row) => belonging.has(alert_id);
  const left = shownAbove.filter((row) => !belongs(row));
  const below = () => wanted.slice(wanted.length - same);

  if (mayMove) {
    const lingering = new Set(left.filter(lingers));
    if (lingering.size === 0) return { rows: wanted, fresh: [], left: [] };
    const behind = new Map<string | undefined, T[]>();
    let stays: string | undefined;
    for (const row of shownAbove) {
      if (belongs(row)) stays = row.alert_id;
      else if (lingering.has(row)) behind.set(stays, [...(behind.get(stays) ?? []), row]);
    }
    const above = [
      ...(behind.get(undefined) ?? []),
      ...wantedAbove.flatMap((row) => [row, ...(behind.get(row.alert_id) ?? [])]),
    ];
    return { rows: [...above, ...below()], fresh: [], left: [...lingering] };
  }

  const here = new Set(shownAbove.map(({ alert_id }) => alert_id));
  const isNew = ({ alert_id }: Row) => !here.has(alert_id);
  // what both end with is the last row, and nothing is behind it
  const last = same > 0 ? -1 : wantedAbove.findLastIndex((row) => !isNew(row));
  const end = last < 0 ? wantedAbove.length : last;
  const behind = wantedAbove.slice(end).filter(isNew);
  return {
    rows: [...shownAbove.map((row) => belonging.get(row.alert_id) ?? row), ...behind, ...below()],
    fresh: wantedAbove.slice(0, end).filter(isNew),
    left,
  };
}

/** How many rows two lists have in common at their ends. */
function commonTail(a: readonly Row[], b: readonly Row[]): number {
  const most = Math.min(a.length, b.length);
  let count = 0;
  while (count < most && a[a.length - 1 - count]!.alert_id === b[b.length - 1 - count]!.alert_id) count += 1;
  return count;
}
