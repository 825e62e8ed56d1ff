import type { AppendResult } from '@tocsin/contracts/ports';
import type { Late } from './handle-batch';

/** What became of one planned event: the log's answer, or that it would not have this one. */
export type StoreResult = AppendResult | { outcome: 'refused'; detail: string };

/** The same, or that it takes longer than that of those beside it: then it rejects when the log went away meanwhile. */
export type SoonerOrLater = StoreResult | Late<StoreResult>;

/** How often an event is refused on its own before that is final: often enough to know that it was no accident. */
export const ATTEMPTS_ALONE = 3;
