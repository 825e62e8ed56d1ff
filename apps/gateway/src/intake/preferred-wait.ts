const MAX_SECONDS = 10;

/**
 * How long the publisher wants to wait for the messages' numbers, in seconds, 1 to 10: `Prefer: wait=5` (RFC 7240). 0:
 * it does not want to wait.
 */
export function preferredWait(header: string | undefined): number {
  for (const preference of (header ?? '').split(',')) {
    const [, seconds] = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;.*)?$/i.exec(preference) ?? [];
    if (seconds !== undefined) return Math.min(MAX_SECONDS, Number(seconds));
  }
  return 0;
}
