import type { AnnounceEntries, AppendedEvent } from '@tocsin/contracts/ports';

/** Has entries appended that are due by time, a portion at a time until nothing is, and announces them. */
export async function appendDue(
  append: () => Promise<AppendedEvent[]>,
  announceEntries: AnnounceEntries,
  signal?: AbortSignal,
): Promise<void> {
  for (let appended = await append(); appended.length > 0; appended = await append()) {
    await announceEntries.announce(appended);
    if (signal?.aborted) return;
  }
}
