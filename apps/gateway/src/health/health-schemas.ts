import { CHANNELS, QUEUE_KINDS, type SystemHealth } from '@tocsin/contracts';
import {
  count,
  flag,
  integer,
  list,
  nullable,
  number,
  object,
  oneOf,
  text,
  time,
  type Schema,
} from '../description/json-schema';

export const HEALTH_SCHEMAS = {
  SystemHealth: object<SystemHealth>({
    as_of: time(),
    version: text(),
    started_at: time('When the gateway that answers was started.'),
    not_ready: nullable(text('Why it takes no new clients, such as draining or full; null: it takes them.')),
    dependencies: list(
      object<SystemHealth['dependencies'][number]>({
        name: text('The technology, such as postgres.'),
        status: oneOf(['up', 'down', 'unknown'], 'unknown until the first check.'),
        critical: flag('Whether the gateway is unhealthy without it.'),
        since: time('The time of the last change of the status.'),
      }),
    ),
    streams: count('The streams of this gateway alone.'),
    closed_slow: count('How many of them were closed because their clients read too slowly.'),
    tenants: count('The tenants of these streams.'),
    users: list(
      object<SystemHealth['users'][number]>({
        user_id: text(),
        streams: integer('The open streams of the users with this name.', { minimum: 1 }),
      }),
      {
        maxItems: 10,
        description:
          'The users with the most streams of this gateway, the most first; without streams whose every tenant was revoked from the token.',
      },
    ),
    busiest_tenants: list(
      object<SystemHealth['busiest_tenants'][number]>({
        tenant_id: text('Its id.'),
        streams: integer('The open streams of this gateway that follow it.', { minimum: 1 }),
      }),
      {
        maxItems: 10,
        description:
          'The tenants with the most streams of this gateway, the most first; without those that were revoked from the token.',
      },
    ),
    limits: object<SystemHealth['limits']>({
      gateway: nullable(integer('The most streams of this gateway; null: no limit.', { minimum: 1 })),
      user: nullable(integer('The most streams of a user on all gateways together; null: no limit.', { minimum: 1 })),
      tenant: nullable(integer('The same of a tenant.', { minimum: 1 })),
      address: nullable(integer('The same of an address.', { minimum: 1 })),
    }),
    closed: list(
      object<SystemHealth['closed'][number]>({
        reason: text('Why it was closed: a reason of the frame close, client, or vanished.'),
        at: time(),
      }),
      { maxItems: 20, description: 'The last streams of this gateway that were closed, the last one first.' },
    ),
    delivery: nullable(
      object<NonNullable<SystemHealth['delivery']>>(
        {
          window_seconds: integer('How far back it looks.', { minimum: 1 }),
          samples: integer('How many alerts were measured.', { minimum: 1 }),
          p50_ms: { ...number('Half of them took no longer.'), minimum: 0 },
          p99_ms: { ...number('99 of 100 took no longer.'), minimum: 0 },
        },
        {
          description:
            'How long alerts took from received to written to the streams of this gateway, of a sample; null when it sent none in that time.',
        },
      ),
    ),
    last_entry_at: nullable(time('When it last sent an entry of these tenants; null: it has sent none to them.')),
    dead_letters: nullable(count('How many wait for a decision, within the reach of the operator.')),
    deliveries: nullable(
      list(
        object<NonNullable<SystemHealth['deliveries']>[number]>({
          channel: oneOf(CHANNELS),
          due: count('How many are due now.'),
          oldest_due_at: nullable(time('When the oldest of them was due; null when none is.')),
        }),
      ),
    ),
    queues: nullable(
      list(
        object<NonNullable<SystemHealth['queues']>[number]>({
          queue: text('The name of this part of the queue in RabbitMQ, NATS, Redis or PostgreSQL.'),
          kind: oneOf(
            QUEUE_KINDS,
            'urgent, common: published messages. suspects: messages that are handled alone. given_up: messages that were delivered too often.',
          ),
          messages: count('How many no processor has settled.'),
          includes_in_hand: flag('Whether these include the messages that a processor has in hand.'),
          oldest_at: nullable(
            time('When the oldest of them was put there; null: there is none, or the queue does not know (RabbitMQ).'),
          ),
        }),
      ),
    ),
    processes: nullable(
      list(
        object<NonNullable<SystemHealth['processes']>[number]>({
          app: text('gateway, alert-processor, notifier or standalone.'),
          version: text(),
          commit: text(),
          started_at: time(),
          heard_at: time('When it was last heard of. A process announces itself every 15 s.'),
        }),
        { maxItems: 100, description: 'The processes that were heard of within a day and have not ended in order.' },
      ),
    ),
    weaknesses: list(text(), {
      description: 'What is weak about the settings of this gateway, in English, as it said at its start.',
    }),
  }),
} satisfies Record<string, Schema>;
