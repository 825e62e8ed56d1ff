/**
 * The text of a file that does not exist, or exists with other text. ESLint checks it as if it stood at `file`, and
 * resolves its imports on the real tree.
 */
export interface Planted {
  fact: string;
  file: string;
  text: string;
  /** What the linter must report; undefined means that the import is allowed. */
  says?: RegExp;
}

export const notAllowed = /no rule allowing|not allowed|no policy/i;
