import type { PlannedEvent } from '@tocsin/contracts';
import type { AppendResult } from '@tocsin/contracts/ports';

/** What became of one planned event: the log's answer, or that it would not have this one. */
export type StoreResult = AppendResult | { outcome: 'refused'; detail: string };

/** One whose result takes longer than that of those beside it. Rejects when the log went away meanwhile. */
export interface LateResult {
  outcome: 'late';
  result: Promise<StoreResult>;
}

/** Tells whoever wants to know what was committed. */
export type Announce = (planned: readonly PlannedEvent[], results: readonly StoreResult[]) => Promise<void>;

/** How often an event is refused on its own before that is final: often enough to know that it was no accident. */
export const ATTEMPTS_ALONE = 3;
