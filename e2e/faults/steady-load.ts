import type { Published } from '../kit/ledger';
import type { PlainAmqp } from '../kit/plain-amqp';

export interface LoadOptions {
  tenants: readonly string[];
  perSecond: number;
  /** Filler in each message, in bytes, to make entries large. Default none. */
  fillerBytes?: number;
}

const TICK_MS = 20;
const SEVERITIES = ['urgent', 'high', 'medium', 'low'];

/** Milliseconds of the wall clock, with the fraction that a latency needs. */
export const wallMs = (): number => performance.timeOrigin + performance.now();

/**
 * Messages at a steady rate, tenants in turn. Each contains its time of sending. The published messages and the
 * broker's confirmations are recorded.
 */
export class SteadyLoad {
  readonly published: Published[] = [];
  private readonly pending = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private sent = 0;

  constructor(
    private readonly amqp: PlainAmqp,
    private readonly options: LoadOptions,
    private readonly name = 'm',
  ) {}

  start(): this {
    const startedAt = performance.now();
    const sentBefore = this.sent;
    this.timer = setInterval(() => {
      const due = sentBefore + Math.floor(((performance.now() - startedAt) / 1_000) * this.options.perSecond);
      while (this.sent < due) this.send();
    }, TICK_MS);
    return this;
  }

  /** Sends `count` messages at once, and resolves when all are confirmed. */
  async burst(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) this.send();
    await this.stop();
  }

  /** Stops sending, and resolves when the broker has answered for every message. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
  }

  private send(): void {
    const { tenants, fillerBytes = 0 } = this.options;
    const n = this.sent++;
    const severity = SEVERITIES[n % SEVERITIES.length]!;
    const record: Published = {
      tenant_id: tenants[n % tenants.length]!,
      service: 'inventory',
      id: `${this.name}-${n}`,
      confirmed: false,
    };
    this.published.push(record);
    const { tenant_id, service, id } = record;
    const metadata = { sent_at: wallMs(), ...(fillerBytes > 0 ? { filler: 'x'.repeat(fillerBytes) } : {}) };
    const answered = this.amqp
      .publish(`alert.${severity}.${service}`, {
        tenant_id,
        service,
        severity,
        id,
        name: 'low_stock',
        occurred_at: new Date().toISOString(),
        metadata,
      })
      .then(
        () => void (record.confirmed = true),
        () => undefined,
      );
    this.pending.add(answered);
    void answered.finally(() => this.pending.delete(answered));
  }
}
