import { closest, distance } from 'fastest-levenshtein';

/** What somebody misspells is this near, in letters, to what was meant. */
const NEAR = 3;

/** ` Did you mean "title"?`, to end a sentence with; empty when none of the known names is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  // a longer name is near to none, and comparing takes time by its length
  const longest = known.reduce((most, { length }) => Math.max(most, length), 0);
  if (name.length > longest + NEAR) return '';
  const candidate = closest(name.toLowerCase(), known);
  return distance(name.toLowerCase(), candidate) <= NEAR ? ` Did you mean "${candidate}"?` : '';
}
