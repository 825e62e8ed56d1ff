import { StatedStreamSlots, type SlotAnswer, type SlotStatement } from '@tocsin/transport';
import type { Metrics } from '@tocsin/observability';
import type { NatsConnection } from '../connection';
import type { BusStreams } from './bus-streams';
import { SharedLog } from './shared-log';
import { SlotTally, type SlotEntry } from './slot-tally';

const CALL_WITHIN_MS = 2_000;
/**
 * After this many heartbeats every count is stated anew, for gateways that began to read the log since. 30 s at the
 * default lifetime, so the log has at least three of them.
 */
const STATE_EVERY_BEATS = 15;

/** Counts streams in a log in NATS, which every gateway reads: its order decides which stream gets the last slot. */
export class NatsStreamSlots extends StatedStreamSlots {
  private readonly statements: SharedLog<SlotEntry, SlotAnswer>;
  private beats = 0;

  constructor(
    connection: NatsConnection,
    streams: BusStreams,
    metrics: Metrics,
    options: { lifetimeMs?: number } = {},
  ) {
    super(metrics.streamSlotsLocal, options);
    this.statements = new SharedLog(connection, streams, 'slots', new SlotTally(), () => this.doubt(this.held.keys()));
  }

  /** Begins to read what other gateways say, so that the first stream need not wait for it. */
  open(): void {
    this.statements.open();
  }

  override async close(): Promise<void> {
    await super.close();
    await this.statements.close();
  }

  protected override async state(statement: SlotStatement): Promise<SlotAnswer> {
    const answer = await this.statements.append(statement, CALL_WITHIN_MS);
    // a gateway that has just begun to read may have come to another answer: the next statement corrects it
    statement.wanted.forEach((stream, at) => {
      if (answer.full[at]! > 0) this.doubt(stream.map(([slot]) => statement.slots[slot]!));
    });
    return answer;
  }

  protected override async forget(): Promise<void> {
    await this.statements.append({ gateway: this.gateway, closed: true }, CALL_WITHIN_MS);
  }

  protected override beat(): void {
    this.beats += 1;
    if (this.beats % STATE_EVERY_BEATS === 0) this.doubt(this.held.keys());
    super.beat();
  }
}
