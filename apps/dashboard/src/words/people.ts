/**
 * A user's name for display: `ana.lopez@example.test` becomes Ana Lopez. An id that is no mail address stays as it is.
 */
export function nameOf(user: string): string {
  const [local, domain] = user.split('@');
  if (!local || domain === undefined) return user;
  return local
    .split(/[._-]+/)
    .filter(Boolean)
    .map((part) => part[0]!.toUpperCase() + part.slice(1))
    .join(' ');
}

/** A user's initials, one or two letters, for a small circle. */
export function initialsOf(user: string): string {
  const [first = '?', second] = nameOf(user).split(/\s+/);
  return ([...first][0]! + (second ? [...second][0]! : '')).toUpperCase();
}
