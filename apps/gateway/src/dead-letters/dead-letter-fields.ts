import { IsIn, IsInt, Matches, Max, Min } from 'class-validator';
import { Refused, TENANT_ID_PATTERN, type TenantId } from '@tocsin/contracts';
import type { DeadLetterFilter, DeadLetterQuery } from '@tocsin/contracts/ports';
import {
  DEAD_LETTER_ORDERS,
  DEAD_LETTER_STATUSES,
  type DeadLetterOrder,
  type DeadLetterStatus,
} from '@tocsin/contracts/wire';
import { Described, IsNote, MayBeAbsent, MayBeNull } from '../request/field-rules';
import { IgnoresUnknown, ReadBy, type ParameterReader } from '../request/request-fields';

/** Large enough for a filter and a note. In bytes. */
export const MAX_BODY_BYTES = 4 * 1024;
const DEFAULT_PAGE = 50;
const MAX_PAGE = 500;
/** The most letters that one call decides, which limits its duration: a larger set needs several calls. */
const MAX_AT_ONCE = 500;
const MAX_NOTE_LENGTH = 500;
export const CODE = /^[a-z_]{1,64}$/;
const STATUSES = [...DEAD_LETTER_STATUSES, 'all'] as const;

const REASON = 'A code such as invalid_field.';
const A_TENANT = { message: 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.' };
const A_REASON = { message: 'A reason is a word such as invalid_field.' };
const AT_ONCE = { message: `1 to ${MAX_AT_ONCE} letters can be decided at once.` };
const UP_TO = { message: 'The up_to of the call before is expected.' };
const OF_A_PAGE = { message: `1 to ${MAX_PAGE} letters can be asked for.` };

const first: ParameterReader = (query, name) => query.get(name) || undefined;
const firstTenant: ParameterReader = (query) => first(query, 'tenant') ?? first(query, 'tenant_id');
const firstNumber: ParameterReader = (query, name) => {
  const text = query.get(name) || undefined;
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : text;
};

/** The query of `GET /api/v1/dead-letters`. Of a parameter that is given twice the first counts. */
@IgnoresUnknown()
export class DeadLettersQuery {
  @Described('Of one tenant.')
  @ReadBy(firstTenant, { aliases: ['tenant_id'] })
  @MayBeAbsent()
  @Matches(TENANT_ID_PATTERN, A_TENANT)
  tenant?: TenantId;
  @Described(`Of one reason. ${REASON}`) @ReadBy(first) @MayBeAbsent() @Matches(CODE, A_REASON) reason?: string;
  @Described('Default: open.')
  @ReadBy(first)
  @MayBeAbsent()
  @IsIn(STATUSES, { message: `One of ${STATUSES.join(', ')} is expected.` })
  status?: DeadLetterStatus | 'all';
  @Described('Default: oldest.')
  @ReadBy(first)
  @MayBeAbsent()
  @IsIn(DEAD_LETTER_ORDERS, { message: `One of ${DEAD_LETTER_ORDERS.join(', ')} is expected.` })
  order?: DeadLetterOrder;
  @Described('Letters of one page.', { default: DEFAULT_PAGE })
  @ReadBy(firstNumber)
  @MayBeAbsent()
  @IsInt(OF_A_PAGE)
  @Min(1, OF_A_PAGE)
  @Max(MAX_PAGE, OF_A_PAGE)
  limit?: number;
  @Described('The cursor of the page before.')
  @ReadBy(first)
  @MayBeAbsent()
  @Matches(/^\d{1,15}$/, { message: 'The cursor of the page before is expected.' })
  cursor?: string;
}

export const lettersOf = ({ tenant, reason, status, order, limit, cursor }: DeadLettersQuery): DeadLetterQuery => ({
  tenant_id: tenant ?? null,
  reason: reason ?? null,
  status: status === 'all' ? null : (status ?? 'open'),
  order: order ?? 'oldest',
  behind: cursor === undefined ? null : Number(cursor),
  limit: limit ?? DEFAULT_PAGE,
});

/** Selects open letters that match, the oldest first. */
export interface ManyLetters extends DeadLetterFilter {
  up_to: number | null;
  limit: number;
}

/** The body of `POST /api/v1/dead-letters/redrive`. An empty body selects every open letter within reach. */
@Described('The letters; without a body every open letter within reach.')
export class ManyLettersBody {
  @MayBeNull('Of one tenant.') @Matches(TENANT_ID_PATTERN, A_TENANT) tenant_id?: TenantId | null;
  @MayBeNull(`Of one reason. ${REASON}`) @Matches(CODE, A_REASON) reason?: string | null;
  @MayBeNull('Only letters up to this number.')
  @IsInt(UP_TO)
  @Min(0, UP_TO)
  @Max(Number.MAX_SAFE_INTEGER, UP_TO)
  up_to?: number | null;
  @Described('Letters of one call.', { default: MAX_AT_ONCE })
  @MayBeAbsent()
  @IsInt(AT_ONCE)
  @Min(1, AT_ONCE)
  @Max(MAX_AT_ONCE, AT_ONCE)
  limit?: number;
}

const IsReason = () => IsNote(MAX_NOTE_LENGTH, `A note says in 1 to ${MAX_NOTE_LENGTH} characters why.`);

/** The body of `POST /api/v1/dead-letters/discard`. */
@Described('Which, and why.')
export class DiscardManyBody extends ManyLettersBody {
  @Described('Why.') @IsReason() note!: string;
}

/** The body of `POST /api/v1/dead-letters/:id/discard`. */
@Described('Why.')
export class DiscardBody {
  @Described('Why.') @IsReason() note!: string;
}

export const manyOf = ({ tenant_id, reason, up_to, limit }: ManyLettersBody): ManyLetters => ({
  tenant_id: tenant_id ?? null,
  reason: reason ?? null,
  up_to: up_to ?? null,
  limit: limit ?? MAX_AT_ONCE,
});

/** Reads the number in a path. Throws `Refused` (`not_found`) when it is not a number, as no letter has it. */
export function readNumber(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Refused('not_found', 'There is no such dead letter.');
  return Number(text);
}
