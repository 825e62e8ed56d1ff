const MAX_SECONDS = 10;

/** How long a publisher would wait for the numbers, in seconds, 1 to 10: `Prefer: wait=5` (RFC 7240). 0: it would not. */
export function preferredWait(header: string | undefined): number {
  for (const preference of (header ?? '').split(',')) {
    const [, seconds] = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;.*)?$/i.exec(preference) ?? [];
    if (seconds !== undefined) return Math.min(MAX_SECONDS, Number(seconds));
  }
  return 0;
}
