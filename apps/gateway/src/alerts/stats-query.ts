import { IsInt, Max, Min } from 'class-validator';
import { readInstant } from '@tocsin/messages';
import type { StatsQuery as ChartOfAlerts } from '@tocsin/contracts/ports';
import { Described, IsInstant, MayBeAbsent } from '../request/field-rules';
import { wholeNumber } from '../request/list-parameters';
import { AlertFilterFields, selectionOf } from './alert-filter';
import { badParameter } from '../request/entry-filter';
import { ReadBy } from '../request/request-fields';

const MAX_BUCKETS = 366;
const DEFAULT_BUCKETS = 24;
const DAY_MS = 86_400_000;
const MAX_DAYS = 366;

const A_TIME = { message: 'A time in ISO 8601 is expected.' };
const BUCKETS = { message: `1 to ${MAX_BUCKETS} are expected.` };

/** The query of `GET /api/v1/stats`: the filters of a list, and the chart. */
export class StatsQuery extends AlertFilterFields {
  @Described('When the chart begins; default a day before it ends.') @MayBeAbsent() @IsInstant(A_TIME) from?: string;
  @Described('When the chart ends; default now.') @MayBeAbsent() @IsInstant(A_TIME) to?: string;
  @Described('How many points it has.')
  @ReadBy(wholeNumber)
  @MayBeAbsent()
  @IsInt(BUCKETS)
  @Min(1, BUCKETS)
  @Max(MAX_BUCKETS, BUCKETS)
  buckets?: number;
}

/**
 * The chart that a query of `user` asks for; by default the last 24 hours in 24 buckets. A bucket is a whole number of
 * seconds, so the last one may reach a little beyond `to`. Throws `Refused` (`invalid_parameter`) when the end is not
 * after the start, or the range is too long.
 */
export function chartOf(query: StatsQuery, user: string, now: Date): ChartOfAlerts {
  const { from: begin, to: end, buckets = DEFAULT_BUCKETS } = query;
  const to = end === undefined ? now : new Date(readInstant(end)!);
  const from = begin === undefined ? new Date(to.getTime() - DAY_MS) : new Date(readInstant(begin)!);
  const spanMs = to.getTime() - from.getTime();
  if (spanMs <= 0 || spanMs > MAX_DAYS * DAY_MS)
    badParameter('from', `It must be before to, by at most ${MAX_DAYS} days.`);
  const bucketSeconds = Math.max(1, Math.ceil(spanMs / 1000 / buckets));
  const selection = selectionOf(query, user);
  return { selection, from, bucketSeconds, buckets: Math.ceil(spanMs / 1000 / bucketSeconds) };
}
