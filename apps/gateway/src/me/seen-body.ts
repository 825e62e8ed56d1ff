import { ArrayMaxSize, IsArray, IsInt, IsObject, Matches, Max, Min, ValidateBy, ValidateNested } from 'class-validator';
import { TENANT_ID_PATTERN, type TenantId } from '@tocsin/contracts';
import type { SeenPosition } from '@tocsin/contracts/ports';
import { refuseField } from '../request/json-object';
import { parseCursor, type SentCursor } from '../positions/cursor';
import { Described, MayBeAbsent, type RuleContext } from '../request/field-rules';
import { Items } from '../request/request-fields';

/** Large enough for 200 positions, or for the longest cursor. In bytes. */
export const MAX_BODY_BYTES = 32 * 1024;
const MAX_TENANTS = 200;
const EPOCH = /^[a-z0-9]{1,16}$/;

const A_NUMBER = { message: 'The number of an entry is expected.' };

export class SeenPositionBody implements SeenPosition {
  @Matches(TENANT_ID_PATTERN, { message: 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.' }) tenant_id!: TenantId;
  @Described("The first part of a stream's cursor.")
  @Matches(EPOCH, { message: "The first part of a stream's cursor is expected." })
  epoch!: string;
  @IsInt(A_NUMBER) @Min(0, A_NUMBER) @Max(Number.MAX_SAFE_INTEGER, A_NUMBER) seq!: number;
}

const TOO_MANY: RuleContext = { code: 'batch_too_large' };
const NO_OBJECT: RuleContext = {
  at: (list) => (Array.isArray(list) ? `/${list.findIndex((one) => !(one instanceof SeenPositionBody))}` : ''),
};
const TWICE: RuleContext = { at: (list) => `/${secondOf(list)}/tenant_id` };

/** The index in the list of a tenant that occurs earlier in it; -1 when each occurs once. */
function secondOf(list: unknown): number {
  const tenants = (Array.isArray(list) ? list : []).map((one: Partial<SeenPosition> | null) => one?.tenant_id);
  return tenants.findIndex((tenant, index) => tenant !== undefined && tenants.indexOf(tenant) < index);
}

/** The body of `PUT /api/v1/me/cursor`: how far the user has seen, by tenant or as the cursor of a stream. */
@Described('A position of each tenant, or the cursor of a stream.', { minProperties: 1, maxProperties: 1 })
export class SeenBody {
  @Described('The positions; each tenant at most once.')
  @MayBeAbsent()
  @IsArray({ message: 'A list of positions is expected.' })
  @ArrayMaxSize(MAX_TENANTS, { message: `At most ${MAX_TENANTS} tenants are accepted at once.`, context: TOO_MANY })
  @IsObject({ each: true, message: 'An object with tenant_id, epoch and seq is expected.', context: NO_OBJECT })
  @ValidateBy(
    { name: 'once', validator: { validate: (list: unknown) => secondOf(list) < 0 } },
    { message: 'The list names this tenant twice.', context: TWICE },
  )
  @ValidateNested({ each: true })
  @Items(SeenPositionBody)
  tenants?: SeenPositionBody[];
  @Described('The cursor of a stream: the id of its last frame.')
  @MayBeAbsent()
  @ValidateBy(
    { name: 'isCursor', validator: { validate: (value: unknown) => cursorIn(value) !== undefined } },
    { message: 'The cursor of a stream is expected: the id of its last frame.' },
  )
  cursor?: string;
}

function cursorIn(value: unknown): Extract<SentCursor, { kind: 'positions' }> | undefined {
  const cursor = typeof value === 'string' ? parseCursor(value) : undefined;
  return cursor?.kind === 'positions' ? cursor : undefined;
}

export type SentSeen =
  | { kind: 'positions'; positions: SeenPosition[] }
  | { kind: 'cursor'; cursor: Extract<SentCursor, { kind: 'positions' }> };

/** The positions or the cursor in a body. Throws `Refused` when it has both or neither. */
export function seenIn({ tenants, cursor }: SeenBody): SentSeen {
  if ((tenants === undefined) === (cursor === undefined)) refuseField('', 'Either tenants or cursor is expected.');
  return tenants
    ? { kind: 'positions', positions: tenants.map(({ tenant_id, epoch, seq }) => ({ tenant_id, epoch, seq })) }
    : { kind: 'cursor', cursor: cursorIn(cursor)! };
}
