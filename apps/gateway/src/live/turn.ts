/** An object that delays work until the end of the event loop's turn. */
interface Waiting {
  endTurn(): void;
}

let waiting: Waiting[] = [];

/**
 * Calls `endTurn` at the end of this turn of the event loop: with one immediate for all objects, instead of one for
 * each.
 */
export function atEndOfTurn(one: Waiting): void {
  if (waiting.push(one) === 1) setImmediate(endTurn);
}

function endTurn(): void {
  const all = waiting;
  waiting = [];
  for (const one of all) one.endTurn();
}
