import { memo, useState, type MouseEvent, type ReactNode } from 'react';
import { AlarmClock, CircleCheck, Inbox, Layers, UserRound } from 'lucide-react';
import { ALERT_TYPES, SEVERITIES, type AlertFacets, type Severity } from '@tocsin/contracts/wire';
import { SeverityMark } from '../live/severity-mark';
import { VIEWS, type ListPlace, type Place, type View } from '../live/place';
import { useWords } from '../words/words';
import { SavedViews } from './saved-views';
import { parseSearch, toggled } from './search-syntax';
import type { Facet } from './search-terms';
import styles from './navigation.module.css';

const VIEW_ICONS: Record<View, ReactNode> = {
  open: <Inbox size={16} aria-hidden />,
  mine: <UserRound size={16} aria-hidden />,
  snoozed: <AlarmClock size={16} aria-hidden />,
  resolved: <CircleCheck size={16} aria-hidden />,
  all: <Layers size={16} aria-hidden />,
};

/** How many values of a facet are shown before "Show all". */
const FEW = 8;

interface Props {
  place: Place;
  counts: Partial<Record<View, number>>;
  facets: AlertFacets | undefined;
  tenants: readonly { tenant_id: string; name: string }[];
  onView(view: View): void;
  onPlace(place: ListPlace): void;
  onSearch(q: string): void;
  /** The part for what is not alerts; null: the user has none. */
  system: ReactNode;
}

/**
 * The views with their counts, and the facets that filter the list: a click chooses a value, an alt-click excludes it.
 * It is memoised, so that it renders again when a count changes and not for each alert.
 */
export const Navigation = memo(function Navigation({
  place,
  counts,
  facets,
  tenants,
  onView,
  onPlace,
  onSearch,
  system,
}: Props) {
  const { view, q } = place;
  const { t, intl } = useWords();
  return (
    <nav className={styles.nav} aria-label={t('nav.views')}>
      <ul>
        {VIEWS.map((one) => (
          <li key={one}>
            <button
              type="button"
              className={styles.entry}
              aria-current={one === view && !place.system ? 'page' : undefined}
              onClick={() => onView(one)}
              title={t(`view.${one}`)}
            >
              {VIEW_ICONS[one]}
              <span className={styles.word}>{t(`view.${one}`)}</span>
              {counts[one] !== undefined && one !== 'all' && one !== 'resolved' && (
                <span className={styles.count} data-number>
                  {intl.formatNumber(counts[one])}
                </span>
              )}
            </button>
          </li>
        ))}
      </ul>
      <SavedViews at={place} onOpen={onPlace} />
      {system}
      <div className={styles.facets}>
        <FacetList
          facet="severity"
          values={SEVERITIES}
          counts={facets?.severity}
          isWhole={isWhole(facets, 'severity')}
          q={q}
          onSearch={onSearch}
          nameOf={(value) => t(`severity.${value as Severity}`)}
          markOf={(value) => <SeverityMark severity={value as Severity} size={14} label={false} />}
        />
        <FacetList
          facet="service"
          counts={facets?.service}
          isWhole={isWhole(facets, 'service')}
          q={q}
          onSearch={onSearch}
          mono
          sorted
        />
        {tenants.length > 1 && (
          <FacetList
            facet="tenant"
            values={tenants.map(({ tenant_id }) => tenant_id)}
            counts={facets?.tenant}
            isWhole={isWhole(facets, 'tenant')}
            q={q}
            onSearch={onSearch}
            nameOf={(value) => tenants.find(({ tenant_id }) => tenant_id === value)?.name ?? value}
            sorted
          />
        )}
        <FacetList
          facet="type"
          values={ALERT_TYPES}
          counts={facets?.type}
          isWhole={isWhole(facets, 'type')}
          q={q}
          onSearch={onSearch}
          nameOf={(value) => t(`type.${value as (typeof ALERT_TYPES)[number]}`)}
        />
      </div>
    </nav>
  );
});

/** The server returns at most this many values of a facet, the most frequent ones. */
const MOST_VALUES = 100;
const isWhole = (facets: AlertFacets | undefined, facet: Facet): boolean =>
  facets !== undefined && facets.complete && Object.keys(facets[facet]).length < MOST_VALUES;

interface FacetProps {
  facet: Facet;
  /** The values that are always listed; `counts` adds more. */
  values?: readonly string[];
  /** Whether every value that any alert has is in `counts`: only then a value that is not there has none. */
  isWhole: boolean;
  /** How many alerts have each value; undefined while that is not known. */
  counts: Record<string, number> | undefined;
  q: string;
  onSearch(q: string): void;
  nameOf?(value: string): string;
  markOf?(value: string): ReactNode;
  mono?: boolean;
  /** Whether the most frequent values stand first; else they keep the order of `values`. */
  sorted?: boolean;
}

function FacetList({
  facet,
  values = [],
  isWhole,
  counts,
  q,
  onSearch,
  nameOf = (value) => value,
  markOf,
  mono,
  sorted,
}: FacetProps) {
  const { t, intl } = useWords();
  const [all, setAll] = useState(false);
  const [text, setText] = useState('');
  const [settled, settle] = useState<readonly string[]>([]);
  const [isInUse, setInUse] = useState(false);
  const search = parseSearch(q);
  const chosen: readonly string[] = search[facet];
  const excluded = search.not[facet];
  // A value that was once listed stays, muted. The most frequent stand first; while the user is in the list nothing
  // moves, or a click would meet another value.
  const known = [...new Set([...settled, ...values, ...Object.keys(counts ?? {}), ...chosen, ...excluded])];
  const found = sorted && !isInUse ? known.sort(mostFirst(counts)) : known;
  if (found.some((value, at) => settled[at] !== value)) settle(found);
  const toggle = (value: string) => (event: MouseEvent) => onSearch(toggled(q, facet, value, event.altKey));
  const isShown = (value: string, index: number) =>
    text
      ? nameOf(value).toLowerCase().includes(text.toLowerCase())
      : all || index < FEW || chosen.includes(value) || excluded.includes(value);
  return (
    <section
      className={styles.facet}
      aria-label={t(`facet.${facet}`)}
      onPointerEnter={() => setInUse(true)}
      onPointerLeave={() => setInUse(false)}
      onFocus={() => setInUse(true)}
      onBlur={() => setInUse(false)}
    >
      <h2>{t(`facet.${facet}`)}</h2>
      {found.length > FEW && (
        <input
          type="search"
          className={styles.find}
          aria-label={`${t(`facet.${facet}`)}: ${t('facet.find')}`}
          placeholder={t('facet.find')}
          autoComplete="off"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      {found.length === 0 && <p className={styles.none}>{counts ? t('facet.none') : '–'}</p>}
      <ul>
        {found.filter(isShown).map((value) => {
          // what is excluded has no alerts in the list: a number beside it would be of another question
          const count = excluded.includes(value) ? undefined : counts && (counts[value] ?? (isWhole ? 0 : undefined));
          return (
            <li key={value}>
              <button
                type="button"
                className={styles.entry}
                data-zero={count === 0}
                data-excluded={excluded.includes(value)}
                aria-pressed={chosen.includes(value)}
                title={count === undefined ? nameOf(value) : t('facet.hint', { value: nameOf(value), count })}
                onClick={toggle(value)}
              >
                {markOf?.(value)}
                <span className={mono ? styles.mono : styles.word}>{nameOf(value)}</span>
                <span className={styles.count} data-number>
                  {count === undefined ? '–' : intl.formatNumber(count)}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {found.length > FEW && !text && (
        <button type="button" className={styles.more} onClick={() => setAll(!all)}>
          {all ? t('facet.less') : t('facet.more', { count: found.length })}
        </button>
      )}
    </section>
  );
}

/** Orders values by how many alerts they have, those that are equal by name. */
const mostFirst =
  (counts: Record<string, number> = {}) =>
  (a: string, b: string): number =>
    (counts[b] ?? 0) - (counts[a] ?? 0) || a.localeCompare(b);
