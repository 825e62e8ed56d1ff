// What every contender does, in the same amount.
import { randomUUID } from 'node:crypto';
import { plannedAlert } from '../planned-alert.mjs';

export const CHANNELS = ['email', 'sms', 'webhook', 'push'];
export const BATCH = 500;

/** What the job of a peer carries: names only. Tocsin's claims return the whole entry that is to be told. */
export const payloads = (count, tenants) =>
  Array.from({ length: count }, (_, at) => ({
    tenant_id: `tenant-${Math.floor(at / CHANNELS.length) % tenants}`,
    delivery_id: randomUUID(),
    channel: CHANNELS[at % CHANNELS.length],
    recipient: 'ana@example.com',
  }));

/** An alert that rings, as the processor stores it. */
export const plannedEvent = (tenant, deliveries) => plannedAlert(`tenant-${tenant}`, { deliveries });
