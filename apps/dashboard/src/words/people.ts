import { nameOf } from '@tocsin/react-client';

export { nameOf };

/** A user's initials, one or two letters, for a small circle. */
export function initialsOf(user: string): string {
  const [first = '?', second] = nameOf(user).split(/\s+/);
  return ([...first][0]! + (second ? [...second][0]! : '')).toUpperCase();
}
