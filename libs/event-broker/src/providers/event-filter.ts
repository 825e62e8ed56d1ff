import type { BrokerEvent } from '../event';
import type { EventFilter } from '../event-provider';
import { patternRegex } from '../pattern-trie';

/** The fields of a filter that an event must have as they are. */
export const EQUAL_FIELDS = ['source', 'status', 'user_id', 'schema', 'entity', 'operation', 'instance_id'] as const;

/** The filter as a function, for providers whose service cannot filter. */
export function passes(filter: EventFilter): (event: BrokerEvent) => boolean {
  const named = EQUAL_FIELDS.filter((name) => filter[name] !== undefined);
  const type = filter.pattern === undefined ? undefined : new RegExp(patternRegex(filter.pattern));
  const { start_time, end_time } = filter;
  return (event) =>
    named.every((name) => event[name] === filter[name]) &&
    (!type || type.test(event.type)) &&
    (!start_time || event.created_at >= start_time) &&
    (!end_time || event.created_at < end_time);
}
