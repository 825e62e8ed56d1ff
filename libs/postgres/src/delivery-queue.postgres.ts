import { randomBytes } from 'node:crypto';
import type { ClaimedDelivery, NotificationContent, Settlement, TenantId } from '@tocsin/contracts';
import type { Channel } from '@tocsin/contracts/wire';
import type { Claimed, ClaimOptions, DeliveryDepth, DeliveryQueue, Settled } from '@tocsin/contracts/ports';
import type { Database } from './database';
import { storedEventOf, type EntryRow } from './event-log.postgres';

/** A row of `claim_deliveries`: the delivery, and the columns of its entry, which are null for a notification. */
interface ClaimedRow extends EntryRow {
  verdict: 'claimed' | 'lost' | 'cancelled';
  attempt: number;
  attempts_before: number;
  notification: NotificationContent | null;
  of_tenant: TenantId;
  delivery_id: string;
  channel: Channel;
  recipient: string;
  planned_at: string;
  first_due_at: string;
}

/** What names a claim. */
type Named = Pick<ClaimedDelivery, 'tenant_id' | 'delivery_id' | 'attempt'>;

/** How many characters of a provider's answer are kept. */
const MAX_ANSWER = 1_000;

/** The queue in PostgreSQL: one function call, and so one round trip and one commit, for each method. */
export class PostgresDeliveryQueue implements DeliveryQueue {
  /**
   * Tells this worker from others. A claim that is not begun and a release leave the number of the attempt as it was,
   * so another worker's claim can have the same number.
   */
  readonly #worker = randomBytes(6).readUIntBE(0, 6);
  /**
   * The tenant at which the last claim of a channel ended. The next claim begins after it, so that each tenant has a
   * turn.
   */
  readonly #turns = new Map<Channel, TenantId>();

  constructor(private readonly database: Database) {}

  async claim(channel: Channel, { atMost, leaseMs, atMostOnce }: ClaimOptions): Promise<Claimed> {
    const claimed: Claimed = { deliveries: [], lost: 0, cancelled: 0 };
    let rows: ClaimedRow[];
    // lost and cancelled deliveries are no work for the caller: claim again after them
    do {
      rows = await this.database.call<ClaimedRow>(
        'select * from tocsin.claim_deliveries($1, $2, make_interval(secs => $3), $4, $5, $6)',
        [channel, atMost, leaseMs / 1000, atMostOnce, this.#turns.get(channel) ?? '', this.#worker],
      );
      for (const row of rows) {
        if (row.verdict === 'claimed') claimed.deliveries.push(deliveryOf(row));
        else claimed[row.verdict] += 1;
      }
      if (rows.length > 0) this.#turns.set(channel, rows.at(-1)!.of_tenant);
    } while (rows.length > 0 && claimed.deliveries.length === 0);
    return claimed;
  }

  async settle(settlements: readonly Settlement[]): Promise<Settled[]> {
    if (settlements.length === 0) return [];
    // a settlement that is there twice counts once
    const distinct = [...new Map(settlements.map((one) => [one.delivery_id, one])).values()];
    const rows = await this.database.call<{ place: number; settled: Settled }>(
      'select * from tocsin.settle_deliveries($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [
        distinct.map(({ tenant_id }) => tenant_id),
        distinct.map(({ delivery_id }) => delivery_id),
        distinct.map(({ attempt }) => attempt),
        distinct.map(({ outcome }) => outcome),
        distinct.map((one) => ('reason' in one ? one.reason : null)),
        distinct.map((one) => ('answer' in one ? storable(one.answer) : null)),
        distinct.map((one) => ('provider_id' in one ? storable(one.provider_id) : null)),
        distinct.map((one) => ('again_in_ms' in one ? one.again_in_ms : null)),
        this.#worker,
      ],
    );
    const results = new Map(rows.map(({ place, settled }) => [distinct[place - 1]!.delivery_id, settled]));
    return settlements.map(({ delivery_id }) => results.get(delivery_id)!);
  }

  begin(held: readonly Named[], leaseMs: number): Promise<string[]> {
    return this.#lostOf('begin_deliveries', held, leaseMs);
  }

  extend(held: readonly Named[], leaseMs: number): Promise<string[]> {
    return this.#lostOf('extend_deliveries', held, leaseMs);
  }

  async depth(): Promise<DeliveryDepth[]> {
    return this.database.call<DeliveryDepth>('select * from tocsin.delivery_depth()');
  }

  /** Both functions take what this worker holds, and return what it has lost. */
  async #lostOf(name: string, held: readonly Named[], leaseMs: number): Promise<string[]> {
    if (held.length === 0) return [];
    const rows = await this.database.call<{ lost: string }>(
      `select lost from tocsin.${name}($1, $2, $3, make_interval(secs => $4), $5) as lost`,
      [
        held.map(({ tenant_id }) => tenant_id),
        held.map(({ delivery_id }) => delivery_id),
        held.map(({ attempt }) => attempt),
        leaseMs / 1000,
        this.#worker,
      ],
    );
    return rows.map(({ lost }) => lost);
  }
}

function deliveryOf(row: ClaimedRow): ClaimedDelivery {
  const event = row.event_id === null ? undefined : storedEventOf(row, row, row, row);
  return {
    tenant_id: row.of_tenant,
    delivery_id: row.delivery_id,
    channel: row.channel,
    recipient: row.recipient,
    attempt: row.attempt,
    attempts_before: row.attempts_before,
    created_at: row.planned_at,
    first_due_at: row.first_due_at,
    entry: event?.entry ?? null,
    notification: row.notification,
    trace: event?.trace,
  };
}

/** Answers come from outside: PostgreSQL stores no NUL in text. */
const storable = (text: string | null): string | null => text && text.replaceAll('\0', '\ufffd').slice(0, MAX_ANSWER);
