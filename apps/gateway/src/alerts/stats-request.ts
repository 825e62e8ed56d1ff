import { readInstant } from '@tocsin/messages';
import type { StatsQuery } from '@tocsin/contracts/ports';
import { badParameter, list } from '../request/entry-filter';
import { readParameters, single } from '../request/list-parameters';

export const MAX_BUCKETS = 366;
const DEFAULT_BUCKETS = 24;
const DAY_MS = 86_400_000;
const MAX_DAYS = 366;

/**
 * `?tenant=&from=&to=&buckets=`: by default the 24 hours up to now, in 24 buckets. A bucket is a whole number of seconds, so
 * the last may reach a little beyond `to`. Throws `Refused` (`invalid_parameter`).
 */
export function readStatsParameters(
  url: string | undefined,
  now: Date,
): StatsQuery & { tenants: readonly string[] | null } {
  const query = readParameters(url, ['tenant', 'tenant_id', 'from', 'to', 'buckets']);
  const to = readTime(query, 'to') ?? now;
  const from = readTime(query, 'from') ?? new Date(to.getTime() - DAY_MS);
  const spanMs = to.getTime() - from.getTime();
  if (spanMs <= 0 || spanMs > MAX_DAYS * DAY_MS)
    badParameter('from', `It must be before to, by at most ${MAX_DAYS} days.`);
  const asked = single(query, 'buckets') ?? String(DEFAULT_BUCKETS);
  if (!/^\d{1,4}$/.test(asked) || Number(asked) < 1 || Number(asked) > MAX_BUCKETS)
    badParameter('buckets', `1 to ${MAX_BUCKETS} are expected.`);
  const bucketSeconds = Math.max(1, Math.ceil(spanMs / 1000 / Number(asked)));
  return {
    tenants: list(query, 'tenant') ?? list(query, 'tenant_id'),
    from,
    bucketSeconds,
    buckets: Math.ceil(spanMs / 1000 / bucketSeconds),
  };
}

function readTime(query: URLSearchParams, name: string): Date | undefined {
  const text = single(query, name);
  if (text === undefined) return undefined;
  const instant = readInstant(text);
  if (!instant) badParameter(name, 'A time in ISO 8601 is expected.');
  return new Date(instant);
}
