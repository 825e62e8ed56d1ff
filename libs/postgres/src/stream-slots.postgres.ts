import { StatedStreamSlots, type SlotAnswer, type SlotStatement } from '@tocsin/transport';
import type { Metrics } from '@tocsin/observability';
import type { Database } from './database';

const CALL_WITHIN_MS = 2_000;

/** Counts streams in PostgreSQL: a function of the database takes the statements of all gateways one after another. */
export class PostgresStreamSlots extends StatedStreamSlots {
  constructor(
    private readonly database: Database,
    metrics: Metrics,
    options: { lifetimeMs?: number } = {},
  ) {
    super(metrics.streamSlotsLocal, options);
  }

  protected override async state({ gateway, lifetimeMs, slots, counts, wanted }: SlotStatement): Promise<SlotAnswer> {
    const [row] = await this.database.call<{ count_streams: SlotAnswer }>(
      'select tocsin.count_streams($1, $2, $3, $4, $5)',
      [gateway, lifetimeMs, slots, counts, JSON.stringify(wanted)],
      { withinMs: CALL_WITHIN_MS },
    );
    return row!.count_streams;
  }

  protected override async forget(): Promise<void> {
    await this.database.call('select tocsin.forget_gateway($1)', [this.gateway], { withinMs: CALL_WITHIN_MS });
  }
}
