import type { PlannedDelivery } from '@tocsin/contracts';
import { aPlannedEvent, aTenant, eventually } from '@tocsin/contracts/testing';
import type { Channel, DeliveryStatus } from '@tocsin/contracts/wire';
import { Database, PostgresEventLog } from '@tocsin/postgres';
import type { AppProcess, Environment } from '../kit/processes';
import { Stack } from '../kit/stack';
import { BuiltCopy } from './built-copy';
import { DeliverySink } from './delivery-sink';

const RECIPIENTS: Partial<Record<Channel, string>> = {
  email: 'ana@example.com',
  webhook: 'https://example.com/hook',
  sms: '+4917012345678',
};
/** How many alerts are stored in one call. */
const BATCH = 250;

export interface DeliveryRow {
  delivery_id: string;
  channel: Channel;
  status: DeliveryStatus;
  reason: string | null;
  attempts: number;
}

/** Notifiers whose channels all lead to one sink, on a stack of their own. */
export class NotifierKit {
  private constructor(
    readonly stack: Stack,
    readonly sink: DeliverySink,
    private readonly build: BuiltCopy,
    private readonly database: Database,
  ) {}

  static async open(): Promise<NotifierKit> {
    const build = new BuiltCopy();
    const stack = await Stack.open({ gateways: 0, processors: 0 });
    const database = new Database({ connection: { url: stack.database.url }, role: 'tocsin_processor' });
    return new NotifierKit(stack, await DeliverySink.start(), build, database);
  }

  /** Starts a notifier with failpoints, as `crashing-ports.ts` writes them. */
  start(failpoints = '', environment: Environment = {}): Promise<AppProcess> {
    return this.stack.startNotifier(environment, this.build.programWith('notifier', failpoints, this.sink.url));
  }

  /** Starts a notifier that is expected to end at one of its failpoints, and does not wait until it is ready. */
  launch(failpoints: string): AppProcess {
    const { args, main } = this.build.programWith('notifier', failpoints, this.sink.url);
    return this.stack.processes.launch('notifier', this.stack.environment, args, main);
  }

  /** Stores alerts of which each is told over all of the channels, and rings. Tenants take turns. */
  async plan(alerts: number, channels: readonly Channel[], tenants = 5): Promise<void> {
    const log = new PostgresEventLog(this.database);
    const deliveries = channels.map((channel): PlannedDelivery => ({ channel, recipient: RECIPIENTS[channel]! }));
    for (let from = 0; from < alerts; from += BATCH) {
      const planned = Array.from({ length: Math.min(BATCH, alerts - from) }, (_, index) =>
        aPlannedEvent({ tenant_id: aTenant(`bakery-${(from + index) % tenants}`) }, { deliveries }),
      );
      await log.append(planned);
    }
    await this.stack.redis.publish(`${this.stack.prefix}deliveries`, '');
  }

  rows(): Promise<DeliveryRow[]> {
    return this.stack.sql<DeliveryRow>(
      `select d.delivery_id, d.channel, d.status, d.reason,
         (select count(*)::int from tocsin.delivery_attempt a where a.tenant_id = d.tenant_id and a.delivery_id = d.delivery_id) as attempts
       from tocsin.delivery d`,
    );
  }

  /** How many deliveries are claimed at present. */
  async claimed(): Promise<number> {
    const [row] = await this.stack.sql<{ count: number }>(
      'select count(*)::int as count from tocsin.delivery_due where leased_until > now()',
    );
    return row!.count;
  }

  /** The deliveries of a channel with an attempt on record as begun, once no statement of a notifier is under way. */
  async underWay(channel: Channel): Promise<string[]> {
    await eventually(async () => {
      const [{ open }] = (await this.stack.sql<{ open: number }>(
        `select count(*)::int as open from pg_stat_activity
         where datname = current_database() and application_name like '%notifier%'`,
      )) as [{ open: number }];
      expect(open).toBe(0);
    }, 10_000);
    const rows = await this.stack.sql<{ delivery_id: string }>(
      'select delivery_id from tocsin.delivery_due where channel = $1 and begun_at is not null',
      [channel],
    );
    return rows.map(({ delivery_id }) => delivery_id);
  }

  /** Resolves with all deliveries once none is pending. */
  settled(timeoutMs: number): Promise<DeliveryRow[]> {
    return eventually(async () => {
      const rows = await this.rows();
      const pending = rows.filter(({ status }) => status === 'pending').length;
      if (pending > 0) throw new Error(`${pending} of ${rows.length} deliveries are pending`);
      return rows;
    }, timeoutMs);
  }

  /**
   * Which promises these deliveries break: a message that is lost, or one that was sent twice where that does harm. A
   * message that may have been sent is not lost: it is marked as `unknown`, and only where it must not be repeated.
   */
  broken(rows: readonly DeliveryRow[]): string[] {
    const seen = this.sink.timesSeen();
    return rows.flatMap(({ delivery_id, channel, status, reason }) => {
      const times = seen.get(delivery_id) ?? 0;
      const what = `${channel} ${delivery_id}: ${status} (${reason}), seen ${times} times`;
      if (channel === 'sms') return times > 1 || (status !== 'sent' && status !== 'unknown') ? what : [];
      return status !== 'sent' || times === 0 ? what : [];
    });
  }

  async close(): Promise<void> {
    await this.database?.close();
    await this.stack?.close();
    await this.sink?.close();
    this.build?.remove();
  }
}
