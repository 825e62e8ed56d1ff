import type { AlertGroup, AlertSearch } from '@tocsin/contracts/wire';
import type { Search } from '../search/search-syntax';
import type { Grouping } from './place';

export type GroupedBy = Exclude<Grouping, 'none'>;

/** The search that lists the alerts of one group of a search. */
export const searchIn = (search: AlertSearch, by: GroupedBy, key: string | null): AlertSearch =>
  key === null ? { ...search, without: [...(search.without ?? []), by] } : { ...search, [by]: [key] };

/** The groups that are shown: the server does not know what the page leaves out. */
export const withoutHidden = (groups: readonly AlertGroup[], by: GroupedBy, hidden: Search | null): AlertGroup[] =>
  groups.filter(({ key }) => key === null || by === 'name' || !hidden?.not[by].includes(key));

/** Whether a group's numbers are those of the alerts that the page shows, and not also of some that it leaves out. */
export const areExact = (by: GroupedBy, hidden: Search | null): boolean =>
  hidden === null ||
  ((by === 'service' || hidden.not.service.length === 0) && (by === 'tenant' || hidden.not.tenant.length === 0));
