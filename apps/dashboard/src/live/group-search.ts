import type { AlertSearch } from '@tocsin/contracts/wire';
import type { Grouping } from './place';

export type GroupedBy = Exclude<Grouping, 'none'>;

/** The search that lists the alerts of one group of a search. */
export const searchIn = (search: AlertSearch, by: GroupedBy, key: string | null): AlertSearch =>
  key === null ? { ...search, without: [...(search.without ?? []), by] } : { ...search, [by]: [key] };
