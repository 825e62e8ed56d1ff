import { IsString } from 'class-validator';
import type { AlertSelection } from '@tocsin/contracts/ports';
import { readInstant } from '@tocsin/messages';
import { Described, IsInstant, IsLaterThan, MayBeAbsent } from '../request/field-rules';
import { IsPageSize, NEXT_OF } from '../request/list-parameters';
import { AlertFilterFields, selectionOf } from './alert-filter';

/** What a list of alerts and a list of their groups both take: the filter, a time range and a page. */
export class ListFields extends AlertFilterFields {
  @Described('First seen at this time or later.')
  @MayBeAbsent()
  @IsInstant()
  from?: string;
  @Described('First seen before this time.')
  @MayBeAbsent()
  @IsInstant()
  @IsLaterThan('from')
  to?: string;
  @IsPageSize() limit?: number;
  @Described(NEXT_OF)
  @MayBeAbsent()
  @IsString()
  after?: string;
}

/** The alerts that the list selects, as the filter applies to `user`, within its time range. */
export const rangeOf = (list: ListFields, user: string): AlertSelection => ({
  ...selectionOf(list, user),
  from: list.from === undefined ? null : readInstant(list.from)!,
  to: list.to === undefined ? null : readInstant(list.to)!,
});
