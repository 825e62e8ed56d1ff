import { IsIn, IsString, MinLength } from 'class-validator';
import { ALERT_TYPES, SEVERITIES, type AlertType, type Severity } from '@tocsin/contracts';
import { labelsIn, list } from '../request/entry-filter';
import { AreLabels, Described, MayBeAbsent } from '../request/field-rules';
import { DEFAULT_PAGE, IsPageSize, lowerCaseList, NEXT_OF, TenantsQuery } from '../request/list-parameters';
import { ReadBy } from '../request/request-fields';
import type { LogRead } from './read-log';

const known = (values: readonly string[]) => ({
  each: true,
  message: `One or more of ${values.join(', ')} are expected.`,
});

/** The query of `GET /api/v1/events`: the tenants, the filters of a stream, and the page. */
export class LogQuery extends TenantsQuery {
  @Described('Entries whose alert has or had one of these.')
  @ReadBy(lowerCaseList)
  @MayBeAbsent()
  @IsIn(SEVERITIES, known(SEVERITIES))
  severity?: Severity[];
  @Described('Entries whose alert is or was of one of these types.')
  @ReadBy(lowerCaseList)
  @MayBeAbsent()
  @IsIn(ALERT_TYPES, known(ALERT_TYPES))
  type?: AlertType[];
  @Described('Of these services.') @ReadBy(list) @MayBeAbsent() @MinLength(1, { each: true }) service?: string[];
  @Described('Entries whose alert has or had one of these names.')
  @ReadBy(list)
  @MayBeAbsent()
  @MinLength(1, { each: true })
  name?: string[];
  @Described('Labels that the alert must have, all of them.')
  @ReadBy(labelsIn, { prefix: 'label.' })
  @MayBeAbsent()
  @AreLabels()
  labels?: Record<string, string>;
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
