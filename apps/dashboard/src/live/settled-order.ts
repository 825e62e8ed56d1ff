/** How long a row that left the list stays visible, muted, so that the user sees its new status. */
export const LINGER_MS = 5_000;

interface Row {
  alert_id: string;
}

export interface Settled<T extends Row> {
  rows: readonly T[];
  /** New rows that wait above the list. */
  fresh: readonly T[];
  /** The rows that left the list and are still shown, as they were last shown. */
  left: readonly T[];
}

/**
 * Decides which rows to show and in which order. A list that moves while the user points at it makes them act on the
 * wrong alert. While the list must not move (`mayMove` is false), rows keep their places, new rows wait in `fresh`, and
 * only rows after the last one are added, because they move nothing. While it may move, a row that left stays as long
 * as `lingers` says, after the same row as before.
 *
 * The common end of both lists is found first and skipped. This runs in each frame in which an alert arrives, with up
 * to ten thousand rows, and new alerts are usually at the top.
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
  // if the lists have a common end, it contains the last row, and no new row comes after it
  const last = same > 0 ? -1 : wantedAbove.findLastIndex((row) => !isNew(row));
  const end = last < 0 ? wantedAbove.length : last;
  const behind = wantedAbove.slice(end).filter(isNew);
  return {
    rows: [...shownAbove.map((row) => belonging.get(row.alert_id) ?? row), ...behind, ...below()],
    fresh: wantedAbove.slice(0, end).filter(isNew),
    left,
  };
}

/** How many rows at the end two lists have in common. */
function commonTail(a: readonly Row[], b: readonly Row[]): number {
  const most = Math.min(a.length, b.length);
  let count = 0;
  while (count < most && a[a.length - 1 - count]!.alert_id === b[b.length - 1 - count]!.alert_id) count += 1;
  return count;
}
