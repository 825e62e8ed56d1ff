/** Somebody who keeps something back until the event loop's turn ends. */
interface Waiting {
  endTurn(): void;
}

let waiting: Waiting[] = [];

/** Calls `endTurn` when this turn of the event loop is over: one immediate for all, rather than one for each. */
export function atEndOfTurn(one: Waiting): void {
  if (waiting.push(one) === 1) setImmediate(endTurn);
}

function endTurn(): void {
  const all = waiting;
  waiting = [];
  for (const one of all) one.endTurn();
}
