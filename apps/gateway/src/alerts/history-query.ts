import { Matches } from 'class-validator';
import type { HistoryQuery as EntriesOfAlert } from '@tocsin/contracts/ports';
import { Described, MayBeAbsent, type RuleContext } from '../request/field-rules';
import { DEFAULT_PAGE, IsPageSize, NEXT_OF } from '../request/list-parameters';

const NO_CURSOR: RuleContext = { code: 'invalid_cursor' };

/** The query of `GET /api/v1/alerts/:id/history`. */
export class HistoryQuery {
  @IsPageSize() limit?: number;
  /** The number of the oldest entry of the page before. */
  @Described(NEXT_OF)
  @MayBeAbsent()
  @Matches(/^[1-9]\d{0,14}$/, { message: 'The next of the page before is expected.', context: NO_CURSOR })
  after?: string;
}

export const historyOf = ({ limit = DEFAULT_PAGE, after }: HistoryQuery): EntriesOfAlert => ({
  before: after === undefined ? null : Number(after),
  limit,
});
