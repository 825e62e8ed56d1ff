import { IsArray, IsIn, IsObject, IsString } from 'class-validator';
import { ALERT_TYPES, SEVERITIES, type AlertType, type Severity } from '@tocsin/contracts';
import { labelsIn, list } from '../live/stream-request';
import { MayBeAbsent } from '../request/field-rules';
import { DEFAULT_PAGE, IsPageSize, lowerCaseList, TenantsQuery } from '../request/list-parameters';
import { ReadBy } from '../request/request-fields';
import type { LogRead } from './read-log';

const known = (values: readonly string[]) => ({
  each: true,
  message: `One or more of ${values.join(', ')} are expected.`,
});

/** The query of `GET /api/v1/events`: of which tenants, what a stream may be narrowed by, and a page. */
export class LogQuery extends TenantsQuery {
  @ReadBy(lowerCaseList) @MayBeAbsent() @IsIn(SEVERITIES, known(SEVERITIES)) severity?: Severity[];
  @ReadBy(lowerCaseList) @MayBeAbsent() @IsIn(ALERT_TYPES, known(ALERT_TYPES)) type?: AlertType[];
  @ReadBy(list) @MayBeAbsent() @IsArray() service?: string[];
  @ReadBy(list) @MayBeAbsent() @IsArray() name?: string[];
  @ReadBy(labelsIn, { prefix: 'label.' }) @MayBeAbsent() @IsObject() labels?: Record<string, string>;
  @IsPageSize() limit?: number;
  @MayBeAbsent() @IsString() after?: string;
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
