import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import {
  CHANNELS,
  NOTIFICATION_STATUSES,
  SEVERITIES,
  TENANT_ID_PATTERN,
  type Channel,
  type LocalTime,
  type NotificationStatus,
  type Severity,
  type TenantId,
  type TimeBefore,
} from '@tocsin/contracts';
import { AtMostOneOf, Described, IsExactInstant, IsNote, MayBeAbsent, type RuleContext } from '../request/field-rules';
import { IsPageSize, NEXT_OF, TenantsQuery } from '../request/list-parameters';
import { NestedIn } from '../request/request-fields';

/** The most bytes of a body. 100 web addresses fit into them. */
export const MAX_BODY_BYTES = 256 * 1024;
export const MAX_RECIPIENTS = 100;
const MAX_TITLE = 200;
const MAX_MESSAGE = 10_000;
const MAX_DAYS = 730;
/** The window of a digest, in seconds: ten seconds to a week. */
const WINDOW = { least: 10, most: 7 * 86_400 };

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/;
const ONE_OF = (values: readonly string[]) => ({ message: `One of ${values.join(', ')} is expected.` });
const OBJECT = { message: 'An object is expected.' };
const A_WINDOW = { message: `${WINDOW.least} seconds to 7 days are expected, in whole seconds.` };
const A_NUMBER_OF_DAYS = { message: `0 to ${MAX_DAYS} days are expected.` };

export class LocalTimeBody implements LocalTime {
  @Described('YYYY-MM-DD.') @Matches(DATE, { message: 'A date such as 2026-12-24 is expected.' }) date!: string;
  @Described('HH:MM or HH:MM:SS.') @Matches(TIME, { message: 'A time such as 09:00 is expected.' }) time!: string;
  @Described('A place of the IANA database, such as Europe/Berlin, or UTC.')
  @IsString({ message: 'The name of a time zone is expected.' })
  @MaxLength(64, { message: 'The name of a time zone is expected.' })
  time_zone!: string;
  @Described('Of a time that comes twice, when clocks are set back. Default: earlier.')
  @MayBeAbsent()
  @IsIn(['earlier', 'later'], ONE_OF(['earlier', 'later']))
  fold?: 'earlier' | 'later';
}

export class TimeBeforeBody extends LocalTimeBody implements TimeBefore {
  @Described('How many days before the date.')
  @IsInt(A_NUMBER_OF_DAYS)
  @Min(0, A_NUMBER_OF_DAYS)
  @Max(MAX_DAYS, A_NUMBER_OF_DAYS)
  days!: number;
}

export class DigestBody {
  @Described('Notifications of one sender with one key, recipients and channels become one message.')
  @IsNote(200, 'A key of 1 to 200 characters is expected.')
  key!: string;
  @Described('How long the digest gathers, from its first notification on, in seconds.')
  @IsInt(A_WINDOW)
  @Min(WINDOW.least, A_WINDOW)
  @Max(WINDOW.most, A_WINDOW)
  every_seconds!: number;
}

const TIMES = ['at', 'local', 'before', 'digest'] as const;
const TOO_MANY: RuleContext = { code: 'too_many_recipients' };
const NOT_A_TEXT: RuleContext = {
  at: (list) => (Array.isArray(list) ? `/${list.findIndex((one) => typeof one !== 'string')}` : ''),
};

/** The body of `POST /api/v1/notifications`. */
@Described('What is said, to whom and when.')
export class NotificationBody {
  @Matches(TENANT_ID_PATTERN, { message: 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.' }) tenant_id!: TenantId;
  @Described('One line for people.')
  // a line break would end a header of an e-mail
  @Matches(/^(?!\s*$)[^\r\n]*$/, { message: 'One line of text is expected.' })
  @IsNote(MAX_TITLE, `1 to ${MAX_TITLE} characters are expected.`)
  title!: string;
  @Described('More text for people. It is text, never HTML.')
  @MayBeAbsent()
  @IsString({ message: 'Text is expected.' })
  @MaxLength(MAX_MESSAGE, { message: `At most ${MAX_MESSAGE.toLocaleString('en')} characters are expected.` })
  message?: string;
  @Described('Default: medium.') @MayBeAbsent() @IsIn(SEVERITIES, ONE_OF(SEVERITIES)) severity?: Severity;
  @Described('E-mail addresses, phone numbers in E.164, http(s) addresses, user:<user id>.')
  @IsArray({ message: 'A list of addresses is expected.' })
  @ArrayMinSize(1, { message: 'The list is empty.', context: { code: 'empty_batch' } satisfies RuleContext })
  @ArrayMaxSize(MAX_RECIPIENTS, { message: `At most ${MAX_RECIPIENTS} recipients are accepted.`, context: TOO_MANY })
  @IsString({ each: true, message: 'An address is expected.', context: NOT_A_TEXT })
  recipients!: string[];
  @Described('Each recipient is told over those of the channels that fit the address.')
  @IsArray({ message: 'A list of channels is expected.' })
  @ArrayMinSize(1, { message: 'The list names no channel.', context: { code: 'empty_batch' } satisfies RuleContext })
  @ArrayUnique({ message: 'Each channel can be named once.' })
  @IsIn(CHANNELS, { each: true, ...ONE_OF(CHANNELS) })
  channels!: Channel[];
  @Described('An instant, with its offset: 2026-12-24T09:00:00+01:00. Without any time: now.')
  @MayBeAbsent()
  @IsExactInstant({ message: 'A time in ISO 8601 with an offset or Z is expected.' })
  @AtMostOneOf(TIMES)
  at?: string;
  @Described('A local time in a time zone.')
  @MayBeAbsent()
  @IsObject(OBJECT)
  @ValidateNested()
  @NestedIn(LocalTimeBody)
  @AtMostOneOf(TIMES)
  local?: LocalTimeBody;
  @Described('A number of days before a date, at a local time.')
  @MayBeAbsent()
  @IsObject(OBJECT)
  @ValidateNested()
  @NestedIn(TimeBeforeBody)
  @AtMostOneOf(TIMES)
  before?: TimeBeforeBody;
  @Described('Gathers notifications into one message with a count.')
  @MayBeAbsent()
  @IsObject(OBJECT)
  @ValidateNested()
  @NestedIn(DigestBody)
  @AtMostOneOf(TIMES)
  digest?: DigestBody;
}

/** The query of `GET /api/v1/notifications`. */
export class NotificationsQuery extends TenantsQuery {
  @Described('Only of this status.')
  @MayBeAbsent()
  @IsIn(NOTIFICATION_STATUSES, ONE_OF(NOTIFICATION_STATUSES))
  status?: NotificationStatus;
  @IsPageSize() limit?: number;
  @Described(NEXT_OF) @MayBeAbsent() @IsString() after?: string;
}
