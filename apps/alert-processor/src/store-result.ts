import type { AppendResult } from '@tocsin/contracts/ports';
import type { Late } from './handle-batch';

/** The result of one planned event: what the event log says, or that the event log refused it. */
export type StoreResult = AppendResult | { outcome: 'refused'; detail: string };

/** The same, or a result that comes later. A late result rejects when the event log went away meanwhile. */
export type SoonerOrLater = StoreResult | Late<StoreResult>;

/**
 * How often an event that is stored alone must be refused until the refusal is final: often enough to rule out an
 * accident.
 */
export const ATTEMPTS_ALONE = 3;
