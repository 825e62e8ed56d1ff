import { IsBoolean, IsIn, IsInt, IsString, Matches, Max, Min } from 'class-validator';
import { CHANNELS, DELIVERY_STATUSES, TENANT_ID_PATTERN, type Channel, type DeliveryStatus } from '@tocsin/contracts';
import { REDRIVABLE, type Redrivable } from '@tocsin/contracts/ports';
import { readInstant } from '@tocsin/messages';
import { Described, IsExactInstant, MayBeAbsent } from '../request/field-rules';
import { IsPageSize, lowerCaseList, NEXT_OF } from '../request/list-parameters';
import { ReadBy } from '../request/request-fields';

/** The most bytes of a body. A filter fits into them. */
export const MAX_BODY_BYTES = 4 * 1024;
/** The most deliveries that one call redrives, which limits its duration: a larger set needs several calls. */
export const MAX_AT_ONCE = 500;

const ONE_OF = (values: readonly string[]) => ({ message: `One of ${values.join(', ')} is expected.` });
const SOME_OF = (values: readonly string[]) => ({
  each: true,
  message: `One or more of ${values.join(', ')} are expected.`,
});
const A_TENANT = { message: 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.' };
const AT_ONCE = { message: `1 to ${MAX_AT_ONCE} deliveries can be redriven at once.` };

/** The query of `GET /api/v1/deliveries`. */
export class DeliveriesQuery {
  @Described('Of this tenant.') @Matches(TENANT_ID_PATTERN, A_TENANT) tenant!: string;
  @Described('Of some statuses; default all.')
  @ReadBy(lowerCaseList)
  @MayBeAbsent()
  @IsIn(DELIVERY_STATUSES, SOME_OF(DELIVERY_STATUSES))
  status?: DeliveryStatus[];
  @Described('Of one channel.') @MayBeAbsent() @IsIn(CHANNELS, ONE_OF(CHANNELS)) channel?: Channel;
  @Described('Made at or after this time.')
  @MayBeAbsent()
  @IsExactInstant({ message: 'A time in ISO 8601 with an offset or Z is expected.' })
  since?: string;
  @IsPageSize() limit?: number;
  @Described(NEXT_OF) @MayBeAbsent() @IsString() after?: string;
}

/** The query of routes that name one delivery. */
export class OneDeliveryQuery {
  @Described('The tenant, for an operator. A user needs none.')
  @MayBeAbsent()
  @Matches(TENANT_ID_PATTERN, A_TENANT)
  tenant?: string;
}

const MayRepeat = (): PropertyDecorator => (target, name) => {
  // Decorators are applied from the last to the first.
  for (const rule of [
    IsBoolean({ message: 'true or false is expected.' }),
    MayBeAbsent(),
    Described('Needed for what is `unknown`: it may have been sent, and is sent again then. Default: false.'),
  ])
    rule(target, name);
};

/** The body of `POST /api/v1/deliveries/:id/redrive`. */
@Described('Whether it may arrive twice.')
export class RedriveBody {
  @MayRepeat() may_repeat?: boolean;
}

/** The body of `POST /api/v1/deliveries/redrive`. */
@Described('Which of them.')
export class RedriveManyBody {
  @Described('Of this tenant.') @Matches(TENANT_ID_PATTERN, A_TENANT) tenant!: string;
  @Described('The status that is redriven.') @IsIn(REDRIVABLE, ONE_OF(REDRIVABLE)) status!: Redrivable;
  @Described('Of one channel.') @MayBeAbsent() @IsIn(CHANNELS, ONE_OF(CHANNELS)) channel?: Channel;
  @Described('Made at or after this time.')
  @MayBeAbsent()
  @IsExactInstant({ message: 'A time in ISO 8601 with an offset or Z is expected.' })
  since?: string;
  @MayRepeat() may_repeat?: boolean;
  @Described('Deliveries of one call.', { default: MAX_AT_ONCE })
  @MayBeAbsent()
  @IsInt(AT_ONCE)
  @Min(1, AT_ONCE)
  @Max(MAX_AT_ONCE, AT_ONCE)
  limit?: number;
  @Described('The next of the call before.')
  @MayBeAbsent()
  @IsString({ message: 'The next of the call before is expected.' })
  after?: string;
}

/** A time of a query as it is stored. */
export const sinceOf = (since: string | undefined): string | null => (since === undefined ? null : readInstant(since)!);
