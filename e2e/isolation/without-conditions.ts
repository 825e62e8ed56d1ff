import type { Patch } from '../faults/built-copy';

const QUERIES = 'libs/postgres/src/alert-queries';
const inFunction = (name: string, search: string, replace: string): Patch => ({
  file: `libs/postgres/src/functions/${name}.sql`,
  search,
  replace,
});

/**
 * Every statement that reads for a tenant, without the condition that names the tenant, so that only row-level security
 * is left. When a statement changes, its patch must change too: a patch that does not apply fails.
 */
export const WITHOUT_CONDITIONS: readonly Patch[] = [
  {
    file: `${QUERIES}/walk-terms.js`,
    search: `const OF_GROUP = 'a.tenant_id = t.tenant_id and a.status`,
    replace: `const OF_GROUP = 'a.status`,
  },
  {
    file: `${QUERIES}.postgres.js`,
    search: 'where a.tenant_id = any ($1::text[]) and a.alert_id = any ($2::uuid[])',
    replace: 'where $1::text[] is not null and a.alert_id = any ($2::uuid[])',
  },
  {
    file: `${QUERIES}.postgres.js`,
    search: 'where e.tenant_id = $1 and e.alert_id = $2 and e.previous_status is not null',
    replace: 'where $1::text is not null and e.alert_id = $2 and e.previous_status is not null',
  },
  {
    file: `${QUERIES}.postgres.js`,
    search: 'where a.tenant_id = $1 and a.alert_id = $2 and e.alert_id',
    replace: 'where a.alert_id = $2 and e.alert_id',
  },
  {
    file: `${QUERIES}/stats.js`,
    search: 'where a.tenant_id = t.tenant_id and a.status = s.status order by a.severity',
    replace: 'where a.status = s.status order by a.severity',
  },
  {
    file: `${QUERIES}/tenants.js`,
    search: 'where a.tenant_id = t.tenant_id and a.status = s.status and a.severity = v.severity limit $6',
    replace: 'where a.status = s.status and a.severity = v.severity limit $6',
  },
  inFunction('entries-after', 'where e.tenant_id = of_tenant and e.seq > behind', 'where e.seq > behind'),
  inFunction('stream-start', 'where e.tenant_id = of_tenant and e.seq > greatest', 'where e.seq > greatest'),
  inFunction(
    'stream-start',
    'select * into head from tenant_stream where tenant_id = of_tenant; select min',
    'select * into head from tenant_stream; select min',
  ),
  inFunction(
    'stream-start',
    'select * into head from tenant_stream where tenant_id = of_tenant; before',
    'select * into head from tenant_stream; before',
  ),
  inFunction('stream-start', 'where e.tenant_id = of_tenant and e.seq = middle', 'where e.seq = middle'),
  inFunction('stream-start', 'where e.tenant_id = head.tenant_id and e.seq = at_seq', 'where e.seq = at_seq limit 1'),
  inFunction(
    'seen-positions',
    'n.issuer = of_issuer and n.user_id = of_user and n.tenant_id = t.tenant_id',
    'n.issuer = of_issuer and n.user_id = of_user',
  ),
  inFunction(
    'act-on-alerts',
    'where tenant_id = r.tenant_id and alert_id = t.alert_id limit 1',
    'where alert_id = t.alert_id limit 1',
  ),
  ...['(behind is null or d.dead_letter_id < behind)', 'd.dead_letter_id > coalesce(behind, 0)'].map((from) =>
    inFunction(
      'dead-letters',
      `${from} and (up_to is null or d.dead_letter_id <= up_to) and (of_tenant is null or d.tenant_id = of_tenant)`,
      `${from} and (up_to is null or d.dead_letter_id <= up_to)`,
    ),
  ),
  inFunction(
    'dead-letters',
    '(of_tenant is null or d.tenant_id = of_tenant) and (of_reason is null or d.reason = of_reason) and not',
    '(of_reason is null or d.reason = of_reason) and not',
  ),
  inFunction(
    'delivery-records',
    'where d.tenant_id = t.tenant_id and d.notification_id = of_notification limit',
    'where d.notification_id = of_notification limit',
  ),
  inFunction(
    'delivery-records',
    'where d.tenant_id = t.tenant_id and d.delivery_id = one limit',
    'where d.delivery_id = one limit',
  ),
  inFunction('delivery-records', 'where d.tenant_id = of_tenant and (since is null', 'where (since is null'),
  inFunction(
    'notifications',
    'where n.tenant_id = t.tenant_id and n.status = s.status and',
    'where n.status = s.status and',
  ),
  inFunction(
    'notifications',
    'where n.tenant_id = t.tenant_id and n.notification_id = id limit 1) l',
    'where n.notification_id = id limit 1) l',
  ),
  inFunction(
    'push-subscriptions',
    'where s.tenant_id = any (among) and s.user_id = of_user and s.issuer = of_issuer and s.renewed_at',
    'where s.renewed_at',
  ),
  inFunction(
    'webhook-endpoints',
    'where e.tenant_id = any (tenants) and (of_endpoint is null',
    'where (of_endpoint is null',
  ),
];
