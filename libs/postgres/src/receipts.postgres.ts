import type { LogPosition } from '@tocsin/contracts';
import type { PublishedMessage, Receipt, Receipts } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** The time that the port allows, in milliseconds. */
const ANSWER_WITHIN_MS = 1_000;

interface Row extends LogPosition {
  ord: number;
  outcome: Receipt['outcome'];
  reason: string;
}

/** Receipts from the tables `idempotency` and `dead_letter`. */
export class PostgresReceipts implements Receipts {
  constructor(private readonly database: Database) {}

  async of(messages: readonly PublishedMessage[]): Promise<(Receipt | undefined)[]> {
    const receipts = new Array<Receipt | undefined>(messages.length).fill(undefined);
    if (messages.length === 0) return receipts;
    const columns = [
      messages.map(({ tenant_id }) => tenant_id),
      messages.map(({ service }) => service),
      messages.map(({ id }) => id),
      messages.map(({ body_hash }) => body_hash),
      messages.map(({ bytes_sha256 }) => bytes_sha256),
    ];
    const rows = await this.database.call<Row>('select * from tocsin.receipts_of($1, $2, $3, $4, $5)', columns, {
      withinMs: ANSWER_WITHIN_MS,
    });
    for (const row of rows) receipts[row.ord] ??= receiptOf(row);
    return receipts;
  }
}

function receiptOf({ outcome, reason, epoch, seq, fp }: Row): Receipt {
  if (outcome === 'stored') return { outcome, position: { epoch, seq, fp } };
  return outcome === 'folded' ? { outcome } : { outcome, reason };
}
