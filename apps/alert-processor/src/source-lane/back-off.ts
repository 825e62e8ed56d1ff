/** How long pauses between attempts are, in milliseconds: the bound of the first, the highest bound, and the least. */
export interface BackOff {
  firstMs: number;
  capMs: number;
  floorMs: number;
}

/** The pause after so many failures: anything between the floor and a bound that doubles, so that processes do not come back together. */
export function pauseAfter(failures: number, { firstMs, capMs, floorMs }: BackOff): number {
  const boundMs = Math.min(capMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return floorMs + Math.random() * Math.max(0, boundMs - floorMs);
}
