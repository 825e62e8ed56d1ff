import { IsString } from 'class-validator';
import { Described, MayBeAbsent } from '../request/field-rules';
import { DEFAULT_PAGE, EntriesQuery, IsPageSize, NEXT_OF } from '../request/list-parameters';
import type { LogRead } from './read-log';

/** The query of `GET /api/v1/events`: the tenants, the filters of a stream, and the page. */
export class LogQuery extends EntriesQuery {
  @IsPageSize() limit?: number;
  @Described(NEXT_OF) @MayBeAbsent() @IsString() after?: string;
}

export const logOf = ({ tenant, severity, type, service, name, labels, limit, after }: LogQuery): LogRead => ({
  tenants: tenant ?? null,
  after,
  filter: {
    severity: severity ?? null,
    type: type ?? null,
    service: service ?? null,
    name: name ?? null,
    labels: labels ?? null,
  },
  limit: limit ?? DEFAULT_PAGE,
});
