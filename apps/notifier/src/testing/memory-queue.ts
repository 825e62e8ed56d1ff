import { randomUUID } from 'node:crypto';
import { Unavailable, type ClaimedDelivery, type Settlement } from '@tocsin/contracts';
import {
  DeliveryQueue,
  type ClaimOptions,
  type Claimed,
  type DeliveryDepth,
  type Settled,
} from '@tocsin/contracts/ports';
import { anEntry, aTenant } from '@tocsin/contracts/testing';
import type { Channel } from '@tocsin/contracts/wire';

interface Row {
  delivery: ClaimedDelivery;
  status: Settled;
  dueAt: number;
  attempt: number;
  begun: boolean;
}

type Named = Pick<ClaimedDelivery, 'delivery_id' | 'attempt'>;

/** A claimed delivery of an alert. The test overrides the fields that matter to it. */
export function aDelivery(overrides: Partial<ClaimedDelivery> = {}): ClaimedDelivery {
  const now = new Date().toISOString();
  return {
    tenant_id: aTenant('bakery'),
    delivery_id: randomUUID(),
    channel: 'webhook',
    recipient: 'https://example.com/hook',
    attempt: 1,
    created_at: now,
    first_due_at: now,
    entry: anEntry(),
    notification: null,
    ...overrides,
  };
}

/** A delivery queue in memory for tests of the engine, with the times of `performance.now()`. */
export class MemoryQueue extends DeliveryQueue {
  readonly rows = new Map<string, Row>();
  readonly claims: { channel: Channel; atMost: number; got: number }[] = [];
  readonly settlements: Settlement[] = [];
  readonly settleCalls: number[] = [];
  /** How many attempts each call has begun. */
  readonly begins: number[] = [];
  /** While it is set, every call throws it. */
  trouble: Error | undefined;
  /** Awaited by every call. */
  gate: Promise<unknown> | undefined;

  add(...deliveries: ClaimedDelivery[]): void {
    for (const delivery of deliveries)
      this.rows.set(delivery.delivery_id, {
        delivery,
        status: 'pending',
        dueAt: 0,
        attempt: delivery.attempt - 1,
        begun: false,
      });
  }

  get unsettled(): number {
    return [...this.rows.values()].filter(({ status }) => status === 'pending').length;
  }

  async claim(channel: Channel, { atMost, leaseMs, atMostOnce }: ClaimOptions): Promise<Claimed> {
    await this.pass();
    const now = performance.now();
    const claimed: Claimed = { deliveries: [], lost: 0, cancelled: 0 };
    for (const row of this.rows.values()) {
      if (claimed.deliveries.length >= atMost) break;
      if (row.delivery.channel !== channel || row.status !== 'pending' || row.dueAt > now) continue;
      if (row.begun && atMostOnce) {
        row.status = 'unknown';
        claimed.lost += 1;
        continue;
      }
      claimed.deliveries.push({ ...row.delivery, attempt: row.attempt + 1 });
      if (!atMostOnce) Object.assign(row, { attempt: row.attempt + 1, begun: true });
      row.dueAt = now + leaseMs;
    }
    this.claims.push({ channel, atMost, got: claimed.deliveries.length });
    return claimed;
  }

  async settle(settlements: readonly Settlement[]): Promise<Settled[]> {
    await this.pass();
    this.settleCalls.push(settlements.length);
    return settlements.map((settlement) => {
      const row = this.rows.get(settlement.delivery_id);
      const unused = settlement.outcome === 'released' || settlement.outcome === 'expired';
      if (row && row.status !== 'pending') return row.status;
      if (!row || !this.holds(row, settlement) || (!row.begun && !unused)) return 'stale';
      this.settlements.push(settlement);
      row.attempt = settlement.attempt - (unused ? 1 : 0);
      row.begun = false;
      const again = settlement.outcome === 'released' || settlement.outcome === 'retry';
      row.status = again ? 'pending' : (settlement.outcome as Settled);
      if (again) row.dueAt = performance.now() + settlement.again_in_ms;
      return row.status;
    });
  }

  async begin(held: readonly Named[], leaseMs: number): Promise<string[]> {
    const lost = await this.extend(held, leaseMs);
    this.begins.push(held.length);
    for (const { delivery_id, attempt } of held)
      if (!lost.includes(delivery_id)) Object.assign(this.rows.get(delivery_id)!, { attempt, begun: true });
    return lost;
  }

  async extend(held: readonly Named[], leaseMs: number): Promise<string[]> {
    await this.pass();
    return held.flatMap((one) => {
      const row = this.rows.get(one.delivery_id);
      if (!row || row.status !== 'pending' || !this.holds(row, one)) return one.delivery_id;
      row.dueAt = performance.now() + leaseMs;
      return [];
    });
  }

  async depth(): Promise<DeliveryDepth[]> {
    await this.pass();
    return [];
  }

  /** Whether this claim is the newest. One that is not begun has not used up its number. */
  private holds(row: Row, { attempt }: Named): boolean {
    return row.attempt === (row.begun ? attempt : attempt - 1);
  }

  private async pass(): Promise<void> {
    await this.gate;
    if (this.trouble) throw this.trouble;
  }
}

export const away = () => new Unavailable('log', 'the test says so');
