import type { AnnounceEntries, AppendedEvent } from '@tocsin/contracts/ports';

/**
 * Calls `append` until nothing is due any more, and announces the entries of each call. Stops after the present portion
 * when `signal` is aborted. Returns how many entries were appended.
 */
export async function appendDue(
  append: () => Promise<AppendedEvent[]>,
  announceEntries: AnnounceEntries,
  signal?: AbortSignal,
): Promise<number> {
  let count = 0;
  for (let appended = await append(); appended.length > 0; appended = await append()) {
    await announceEntries.announce(appended);
    count += appended.length;
    if (signal?.aborted) break;
  }
  return count;
}
