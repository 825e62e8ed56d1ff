/** How long a row that no longer belongs to a list stays, muted, so that one sees what became of it. */
export const LINGER_MS = 5_000;

/**
 * The order in which rows are shown. A list that moves under the hand makes people act on the wrong alert: while it must not
 * move, rows keep their places, what is new waits above, and only what comes after the last row is added, which moves nothing.
 */
export function settle(shown: readonly string[], wanted: readonly string[], mayMove: boolean, lingers: (id: string) => boolean, belongs: { has(id: string): boolean } = new Set(wanted)): readonly string[] {
  if (shown.length === 0) return wanted;
  if (!mayMove) {
    const here = new Set(shown);
    const lastShown = shown.findLast((id) => belongs.has(id));
    const tail = lastShown === undefined ? [] : wanted.slice(wanted.indexOf(lastShown) + 1).filter((id) => !here.has(id));
    return tail.length > 0 ? [...shown, ...tail] : shown;
  }
  const leaving: { id: string; index: number }[] = [];
  shown.forEach((id, index) => !belongs.has(id) && lingers(id) && leaving.push({ id, index }));
  if (leaving.length === 0) return wanted;
  const settled = [...wanted];
  // each beside the row that it stood behind
  for (const { id, index } of leaving) {
    const before = shown.slice(0, index).findLast((one) => belongs.has(one));
    settled.splice(before === undefined ? 0 : settled.indexOf(before) + 1, 0, id);
  }
  return settled;
}

/** What waits above a list that must not move. */
export const waiting = (shown: readonly string[], wanted: readonly string[]): string[] => {
  if (shown === wanted) return [];
  const here = new Set(shown);
  return wanted.filter((id) => !here.has(id));
};
