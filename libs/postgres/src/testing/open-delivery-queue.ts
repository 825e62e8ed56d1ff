import type { OpenDeliveryQueue, StandingDelivery } from '@tocsin/contracts/testing';
import { PostgresAlertActs } from '../alert-acts.postgres';
import type { DatabaseConnection } from '../connection';
import { Database } from '../database';
import { PostgresDeliveryQueue } from '../delivery-queue.postgres';
import { PostgresEventLog } from '../event-log.postgres';
import type { Role } from '../roles';
import { asOwner } from './as-owner';

const STANDING = `
  select d.delivery_id, d.channel, d.recipient, d.seq::int, d.status, d.reason, d.settled_at is not null as settled,
    coalesce((
      select json_agg(json_build_object(
        'attempt', a.attempt, 'outcome', a.outcome, 'reason', a.reason, 'answer', a.answer, 'provider_id', a.provider_id) order by a.attempt)
      from tocsin.delivery_attempt a where a.tenant_id = d.tenant_id and a.delivery_id = d.delivery_id), '[]') as attempts
  from tocsin.delivery d where d.tenant_id = $1 order by d.seq, d.channel, d.recipient`;

/** The queue with everything around it, for its contract. `as` gives the role of each process. */
export function openDeliveryQueue(
  connection: DatabaseConnection,
  as: Record<'notifier' | 'processor' | 'gateway', Role>,
): OpenDeliveryQueue {
  const owner = <Row>(sql: string, ...values: unknown[]) => asOwner<Row>(connection, sql, values);
  const [notifier, processor, gateway] = [as.notifier, as.processor, as.gateway].map(
    (role) => new Database({ connection, role }),
  ) as [Database, Database, Database];
  return {
    queue: new PostgresDeliveryQueue(notifier),
    other: new PostgresDeliveryQueue(notifier),
    log: new PostgresEventLog(processor),
    waking: new PostgresAlertActs(processor),
    acts: new PostgresAlertActs(gateway),
    async configure(tenant, recipients) {
      for (const { severity, channel, address } of recipients)
        await owner('insert into tocsin.recipient values ($1, $2, $3, $4)', tenant, severity, channel, address);
    },
    standing: (tenant) => owner<StandingDelivery>(STANDING, tenant),
    async endSnoozes(tenant) {
      const ended = `update tocsin.alert set snoozed_until = now() where tenant_id = $1 and status = 'snoozed'`;
      await owner(ended, tenant);
    },
    clear: async () => void (await owner('delete from tocsin.delivery_due')),
    async close() {
      await Promise.all([notifier, processor, gateway].map((database) => database.close()));
    },
  };
}
