import { setTimeout as sleep } from 'node:timers/promises';
import type { AlertPublisher } from '@tocsin/publisher';
import type { Published } from '../kit/ledger';
import { wallMs } from './steady-load';

const TICK_MS = 50;
/** How long a batch waits before it is sent again. */
const AGAIN_MS = 250;
/** With more unconfirmed messages nothing more is sent, until the broker has confirmed some. */
const MOST_OPEN = 100_000;

/**
 * Messages at a steady rate, publishers and tenants in turn. What the broker does not confirm is sent again under the
 * same id until it does, as a service does whose alerts matter.
 */
export class InsistentLoad {
  readonly published: Published[] = [];
  /** How many messages were sent more than once. */
  repeated = 0;
  private readonly open = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private stopping = false;
  private unconfirmed = 0;

  constructor(
    private readonly publishers: readonly AlertPublisher[],
    private readonly options: { tenants: readonly string[]; perSecond: number },
  ) {}

  start(): this {
    const startedAt = performance.now();
    this.timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * this.options.perSecond);
      const count = Math.min(due - this.published.length, MOST_OPEN - this.unconfirmed);
      if (count <= 0) return;
      const publisher = this.publishers[this.open.size % this.publishers.length]!;
      const sending = this.insist(
        publisher,
        Array.from({ length: count }, () => this.record()),
      ).finally(() => this.open.delete(sending));
      this.open.add(sending);
    }, TICK_MS);
    return this;
  }

  /** Stops sending new messages, and resolves when all are confirmed. Rejects when some are not after `timeoutMs`. */
  async stop(timeoutMs = 60_000): Promise<void> {
    clearInterval(this.timer);
    const giveUp = setTimeout(() => (this.stopping = true), timeoutMs);
    await Promise.all(this.open);
    clearTimeout(giveUp);
    if (this.unconfirmed > 0) throw new Error(`${this.unconfirmed} messages were not confirmed.`);
  }

  private record(): Published {
    const n = this.published.length;
    const tenant_id = this.options.tenants[n % this.options.tenants.length]!;
    const record = { tenant_id, service: 'inventory', id: `m-${n}`, confirmed: false };
    this.published.push(record);
    return record;
  }

  private async insist(publisher: AlertPublisher, records: readonly Published[]): Promise<void> {
    this.unconfirmed += records.length;
    const metadata = { sent_at: wallMs() };
    for (let open = records; open.length > 0 && !this.stopping;) {
      const messages = open.map(({ tenant_id, service, id }) => ({
        tenant_id,
        service,
        id,
        severity: 'low' as const,
        name: 'low_stock',
        metadata,
      }));
      const outcomes = await publisher.publish(messages).catch(() => []);
      const confirmed = new Set(outcomes.filter(({ outcome }) => outcome === 'confirmed').map(({ id }) => id));
      for (const record of open) record.confirmed = confirmed.has(record.id);
      open = open.filter(({ confirmed: isConfirmed }) => !isConfirmed);
      this.unconfirmed -= confirmed.size;
      if (open.length === 0) return;
      this.repeated += open.length;
      await sleep(AGAIN_MS);
    }
  }
}
