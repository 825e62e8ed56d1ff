import { randomUUID } from 'node:crypto';
import type { PlayedQueue } from '@tocsin/contracts/testing';
import type { DatabaseConnection } from '../connection';
import { asOwner } from './as-owner';

/** What a notifier does to a delivery, as the owner of the tables. */
export const playedQueue = (connection: () => DatabaseConnection): PlayedQueue => ({
  async begin(deliveryId) {
    await asOwner(
      connection(),
      `update tocsin.delivery_due set begun_at = now(), attempt = attempt + 1, leased_until = now() + interval '30 seconds' where delivery_id = $1`,
      [deliveryId],
    );
  },
  async settle(deliveryId, status, reason) {
    await asOwner(
      connection(),
      `with gone as (delete from tocsin.delivery_due where delivery_id = $1 returning *), kept as (
         insert into tocsin.delivery_attempt (tenant_id, delivery_id, attempt, begun_at, ended_at, outcome, reason, answer)
         select tenant_id, delivery_id, attempt, begun_at, now(), $2, $3, 'as the provider says' from gone where begun_at is not null
       )
       update tocsin.delivery set status = $2, reason = $3, settled_at = now() where delivery_id = $1`,
      [deliveryId, status, reason],
    );
  },
  async pass(tenant, ms) {
    await asOwner(
      connection(),
      `update tocsin.notification set due_at = due_at - make_interval(secs => $2::float8 / 1000) where tenant_id = $1 and status = 'scheduled'`,
      [tenant, ms],
    );
  },
  async age(tenant, ms) {
    const older = (...columns: string[]) =>
      columns.map((column) => `${column} = ${column} - make_interval(secs => $2::float8 / 1000)`).join(', ');
    for (const aged of [
      `notification set ${older('created_at', 'started_at', 'ended_at')}`,
      `delivery set ${older('created_at', 'settled_at')}`,
    ])
      await asOwner(connection(), `update tocsin.${aged} where tenant_id = $1`, [tenant, ms]);
  },
  async plan(tenant, count) {
    await asOwner(
      connection(),
      `with made as (
         insert into tocsin.delivery (tenant_id, notification_id, channel, recipient, due_at, created_at)
         select $1, $2, 'email', n || '@example.com', now(), now() + n * interval '1 millisecond' from generate_series(1, $3) n
         returning *
       )
       insert into tocsin.delivery_due (tenant_id, delivery_id, channel, recipient, planned_at, first_due_at, due_at)
       select tenant_id, delivery_id, channel, recipient, created_at, due_at, due_at from made`,
      [tenant, randomUUID(), count],
    );
  },
});
