// How alerts are found. The statements that are made of these terms walk `alert_search`, the one index of all lists but
// one. In it, a tenant's alerts of one status and one severity are in the order of time. The list of resolved alerts in
// the order in which they were resolved walks `alert_resolved`, which is alike. Every result is therefore merged from
// walks, one for each of these groups. The first parameters are the same in all statements: $1 tenants, $2 statuses, $3
// severities, $4 and $5 the time.

export const OF_GROUP =
  'a.tenant_id = t.tenant_id and a.status = s.status and a.severity = v.severity and a.first_seen_at >= $4 and ' +
  'a.first_seen_at < $5';
export const EACH_TENANT = 'unnest($1::text[]) as t(tenant_id)';
export const EACH_STATUS = 'unnest($2::text[]) as s(status)';
export const EACH_SEVERITY = 'unnest($3::text[]) as v(severity)';

/**
 * Conditions on columns that the index holds but is not sorted by, as six parameters. A list that is null allows any
 * value; an empty name stands for none, the fifth parameter allows alerts that are not assigned, and the sixth lists
 * the services that are excluded.
 */
export const CONDITIONS = (first: number): string => `(
  ($${first}::text[] is null or a.service = any ($${first}))
  and ($${first + 1}::text[] is null or a.type = any ($${first + 1}))
  and ($${first + 2}::text[] is null or coalesce(a.name, '') = any ($${first + 2}))
  and ($${first + 3}::text[] is null or a.assignee = any ($${first + 3}) or ($${first + 4}::boolean and a.assignee is null))
  and a.service <> all ($${first + 5}::text[]))`;

/**
 * How a list is walked: `down`, from the alert that was first seen last; `up`, from the one that was first seen first;
 * `resolved`, from the one that was resolved last, among resolved alerts only.
 */
export type Walk = 'down' | 'up' | 'resolved';
interface WalkTerms {
  /** The time that the index is sorted by. */
  at: 'first_seen_at' | 'resolved_at';
  behind: '<' | '>';
  order: 'desc' | 'asc';
  group: string;
  /** The time range, where the index is not sorted by it. */
  passes: string;
}
export const WALKS: Record<Walk, WalkTerms> = {
  down: { at: 'first_seen_at', behind: '<', order: 'desc', group: OF_GROUP, passes: '' },
  up: { at: 'first_seen_at', behind: '>', order: 'asc', group: OF_GROUP, passes: '' },
  resolved: {
    at: 'resolved_at',
    behind: '<',
    order: 'desc',
    // the literal is the condition of the index
    group: "a.tenant_id = t.tenant_id and a.status = 'resolved' and a.status = s.status and a.severity = v.severity",
    passes: ' and a.first_seen_at >= $4 and a.first_seen_at < $5',
  },
};
export const behindOf = ({ behind }: WalkTerms, row: string, place: string): string =>
  `(${row}.at, ${row}.alert_id) ${behind} (${place})`;
export const inTime = ({ order }: WalkTerms, row = ''): string => `${row}at ${order}, ${row}alert_id ${order}`;
/** The order of the alerts in the index. */
export const IN_TIME = (walk: Walk): string =>
  `a.${WALKS[walk].at} ${WALKS[walk].order}, a.alert_id ${WALKS[walk].order}`;

/** $6 to $8 belong to $3: the rank of each severity in the order, and the place after which its alerts are wanted. */
export const RANKED = 'unnest($3::text[], $6::integer[], $7::timestamptz[], $8::uuid[]) as v(severity, rank, at, id)';
export const BEHIND = (walk: Walk): string =>
  `${WALKS[walk].group} and (a.${WALKS[walk].at}, a.alert_id) ${WALKS[walk].behind} (v.at, v.id)`;

/** The bucket that an alert is in. The first bucket begins at parameter `from`; parameter `seconds` is their length. */
export const BUCKETS = (from: number, seconds = from + 1) =>
  `floor(extract(epoch from first_seen_at - $${from}::timestamptz) / $${seconds}::integer)::integer as bucket`;
