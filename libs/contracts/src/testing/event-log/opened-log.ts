import type { Folding, StoredEvent } from '../../event';
import type { AppendResult, EventLog } from '../../ports';
import { aTenant } from '../an-alert';

/** A folding window that is short enough for a test to wait for its end. */
export const FOLDS: Folding = { after: 3, windowMs: 1_500 };

export interface OpenEventLog {
  /** The processor's event log, with the default folding. */
  log: EventLog;
  /** The same with `FOLDS`. */
  folding: EventLog;
  /** The gateway's event log; the same object where one process does both. */
  reader: EventLog;
  close(): Promise<void>;
}

/** The event of a result that must be stored. */
export function eventOf(result: AppendResult): StoredEvent {
  if (result.outcome !== 'stored') throw new Error(`expected a stored event, not a ${result.outcome}`);
  return result.event;
}

/** An entry that was read does not name its predecessor, because that was read too. */
export const asRead = (event: StoredEvent | undefined) => ({ ...event, prev_fp: null });

/** The numbers of the entries behind one. */
export const numbers = async (
  log: EventLog,
  tenant: StoredEvent['entry']['tenant_id'],
  seq = 0,
  limit = 1000,
): Promise<number[]> => (await log.after(aTenant(tenant), seq, limit)).map((event) => event.seq);
