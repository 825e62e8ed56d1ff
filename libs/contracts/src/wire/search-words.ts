// How `q` of a search is read. Server and client both use this: a live list that reads it otherwise shows what the
// server does not find.

/** A quote that begins no word, and one that nothing closes, is a letter: people search for 19" too. */
const WORD = /"((?:[^"\\]|\\[^])*)"|(\S+)/g;

/**
 * The words that `q` looks for, each once. They are separated by blanks; several in double quotes are one, and there
 * `\"` and `\\` stand for a quote and a backslash.
 */
export function searchWords(q: string): string[] {
  const words = [...q.matchAll(WORD)].map(([, quoted, bare]) => bare ?? quoted!.replace(/\\(["\\])/g, '$1'));
  return [...new Set(words)].filter((word) => word.trim() !== '');
}

/** The `q` that looks for these words: `searchWords` reads the same from it. */
export const searchText = (words: readonly string[]): string =>
  words.map((word) => (/\s|^"/.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : word)).join(' ');
