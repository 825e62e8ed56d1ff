import type { AlertStats, TenantStats, TenantStatsPage } from '@tocsin/contracts';
import {
  count,
  flag,
  integer,
  list,
  mapOf,
  nullable,
  object,
  ref,
  time,
  type Schema,
} from '../description/json-schema';
import { cursor, tenantId } from '../description/wire-fields';

const bySeverity = { urgent: count(), high: count(), medium: count(), low: count() };

/** The schemas of the counts of alerts. */
export const STATS_SCHEMAS = {
  AlertStats: object<AlertStats>({
    open: object<AlertStats['open']>(
      { severity: object<AlertStats['open']['severity']>(bySeverity), status: mapOf(count()) },
      { description: 'Alerts that are not resolved.' },
    ),
    timeline: list(object<AlertStats['timeline'][number]>({ at: time(), ...bySeverity }), {
      description: 'Alerts first seen in each bucket, the oldest first.',
    }),
    bucket_seconds: integer(undefined, { minimum: 1 }),
    complete: flag('False: there are so many alerts that the counts are lower bounds.'),
    cursor,
  }),
  TenantStats: object<TenantStats>({
    tenant_id: tenantId,
    open: object<TenantStats['open']>(bySeverity, { description: 'Alerts that are firing or acknowledged.' }),
    snoozed: integer(undefined, { minimum: 0 }),
    timeline: list(nullable(integer(undefined, { minimum: 0 })), {
      description:
        'Alerts first seen in each bucket, whatever their status now; the oldest first. Null: too many to count.',
    }),
  }),
  TenantStatsPage: object<TenantStatsPage>({
    tenants: list(ref('TenantStats')),
    from: time('When the first bucket begins.'),
    bucket_seconds: integer(undefined, { minimum: 1 }),
    at_most: integer('No number of open or snoozed is larger: one that is equal may be more.', { minimum: 1 }),
    cursor,
  }),
} satisfies Record<string, Schema>;
