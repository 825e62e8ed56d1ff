import { closest, distance } from 'fastest-levenshtein';

/** The maximum distance, in letters, between a misspelled name and the intended one. */
const NEAR = 3;

/** ` Did you mean "title"?`, as the end of a sentence; empty when no known name is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  // a comparison takes as long as the product of both lengths, and the sender chooses one of them
  if (name.length > longestOf(known) + NEAR) return '';
  const candidate = closest(name.toLowerCase(), known);
  return distance(name.toLowerCase(), candidate) <= NEAR ? ` Did you mean "${candidate}"?` : '';
}

const longest = new WeakMap<readonly string[], number>();

function longestOf(names: readonly string[]): number {
  const length = longest.get(names) ?? Math.max(...names.map((name) => name.length));
  longest.set(names, length);
  return length;
}
