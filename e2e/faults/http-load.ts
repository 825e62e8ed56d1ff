import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../kit/http';
import type { Published } from '../kit/ledger';
import { publisherToken } from '../kit/tokens';
import { wallMs, type LoadOptions } from './steady-load';

const RETRY_MS = 100;
/** After this time a message is given up: its producer was never told that it is stored. */
const GIVE_UP_MS = 30_000;

/**
 * Messages over HTTP at a steady rate, to the gateways in turn. A message that is not answered with 202 is sent again,
 * with the same id, to the next gateway, as the documents ask of a producer.
 */
export class HttpLoad {
  readonly published: Published[] = [];
  /** How many attempts were not answered with 202. */
  refused = 0;
  private readonly pending = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private turn = 0;

  /** `urls` returns the addresses of the gateways, and is called at each attempt. */
  constructor(
    private readonly urls: () => readonly string[],
    private readonly options: LoadOptions,
    private readonly name = 'h',
  ) {}

  start(): this {
    this.timer = setInterval(() => this.send(), 1_000 / this.options.perSecond);
    return this;
  }

  /** Stops sending, and resolves when every message is confirmed or given up. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
  }

  private send(): void {
    const n = this.published.length;
    const record: Published = {
      tenant_id: this.options.tenants[n % this.options.tenants.length]!,
      service: 'sales',
      id: `${this.name}-${n}`,
      confirmed: false,
    };
    this.published.push(record);
    const answered = this.deliver(record).finally(() => this.pending.delete(answered));
    this.pending.add(answered);
  }

  private async deliver(record: Published): Promise<void> {
    const { tenant_id, service, id } = record;
    const message = { tenant_id, service, id, severity: 'high', name: 'no_orders', metadata: { sent_at: wallMs() } };
    const body = JSON.stringify({ ...message, occurred_at: new Date().toISOString() });
    for (const startedAt = performance.now(); performance.now() - startedAt < GIVE_UP_MS; await sleep(RETRY_MS)) {
      const urls = this.urls();
      const headers = { Authorization: `Bearer ${publisherToken()}`, 'Content-Type': 'application/json' };
      const status = await ask(urls[this.turn++ % urls.length]!, '/api/v1/events', {
        method: 'POST',
        headers,
        body,
      }).then(
        (answer) => answer.status,
        () => undefined,
      );
      if (status === 202) {
        record.confirmed = true;
        return;
      }
      this.refused += 1;
    }
  }
}
