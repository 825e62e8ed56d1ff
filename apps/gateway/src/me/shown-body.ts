import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsInt,
  IsObject,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { TENANT_ID_PATTERN } from '@tocsin/contracts';
import { Described, MayBeAbsent } from '../request/field-rules';
import { Items } from '../request/request-fields';

/** In bytes: room for all entries of a report. */
export const MAX_SHOWN_BYTES = 8 * 1024;
const MAX_SHOWN = 50;
/** The end of the year 9999. */
const LAST_MS = 253_402_300_799_999;

const A_NUMBER = { message: 'The number of an entry is expected.' };
const A_TIME = { message: 'A time in epoch milliseconds is expected.' };
const AN_OFFSET = { message: 'A difference in whole milliseconds is expected.' };

export class ShownEntry {
  @Matches(TENANT_ID_PATTERN, { message: 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.' }) tenant_id!: string;
  @IsInt(A_NUMBER) @Min(1, A_NUMBER) @Max(Number.MAX_SAFE_INTEGER, A_NUMBER) seq!: number;
  @Described("When it was shown, by the client's clock, in epoch milliseconds.")
  @IsInt(A_TIME)
  @Min(0, A_TIME)
  @Max(LAST_MS, A_TIME)
  shown_at!: number;
}

/** The body of `POST /api/v1/me/shown`: when entries came on the screen. */
export class ShownBody {
  @Described("When this is sent, by the client's clock, in epoch milliseconds.")
  @IsInt(A_TIME)
  @Min(0, A_TIME)
  @Max(LAST_MS, A_TIME)
  sent_at!: number;
  @Described("How far the server's clock is ahead of the client's, as the last heartbeat showed it, in milliseconds.")
  @MayBeAbsent()
  @IsInt(AN_OFFSET)
  @Min(-LAST_MS, AN_OFFSET)
  @Max(LAST_MS, AN_OFFSET)
  clock_offset_ms?: number;
  @Described('The entries.')
  @IsArray({ message: 'A list of entries is expected.' })
  @ArrayMinSize(1, { message: 'At least one entry is expected.' })
  @ArrayMaxSize(MAX_SHOWN, { message: `At most ${MAX_SHOWN} entries are accepted at once.` })
  @IsObject({ each: true, message: 'An object with tenant_id, seq and shown_at is expected.' })
  @ValidateNested({ each: true })
  @Items(ShownEntry)
  shown!: ShownEntry[];
}
