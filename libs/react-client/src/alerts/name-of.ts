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
