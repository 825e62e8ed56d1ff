import { closest, distance } from 'fastest-levenshtein';

/** What is misspelled is this near, in letters, to what was meant. */
const NEAR = 3;

/** ` Did you mean "title"?`, to end a sentence with; empty when none of the known names is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  // comparing takes as long as the product of both lengths, and the sender chooses one of them
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
