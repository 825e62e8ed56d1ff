import { useInfiniteQuery } from '@tanstack/react-query';
import { memo, useCallback, useState, type KeyboardEvent } from 'react';
import { ChevronDown, ChevronRight, CircleDot } from 'lucide-react';
import { toast } from 'sonner';
import { useAlertsApi } from '@tocsin/react-client';
import type { Alert, AlertAct, AlertGroup, AlertSearch } from '@tocsin/contracts/wire';
import buttons from '../settings/icon-button.module.css';
import { Ago } from '../words/clock';
import { shownText } from '../words/shown-text';
import { useWords } from '../words/words';
import { Skeleton } from './empty';
import { GroupAlerts, type GroupRows } from './group-alerts';
import styles from './group-list.module.css';
import { searchIn, type GroupedBy } from './group-search';
import { SeverityMark } from './severity-mark';
import { allOf } from './use-everything';

/** Times that are nearer to each other than this read alike. */
const MINUTE_MS = 60_000;

interface Props extends Omit<GroupRows, 'tenantName'> {
  search: AlertSearch;
  by: GroupedBy;
  nameOfTenant(tenantId: string): string | null;
  onAct(alerts: readonly Alert[], act: AlertAct): void;
}

/**
 * The list in groups, which the server makes of all matching alerts: one line for each service, alert name or tenant. A
 * line opens in place. The groups are loaded again with the other numbers of the page. Memoised, because the page is
 * rendered for each new alert, and the groups are not.
 */
export default memo(function GroupList({ search, by, nameOfTenant, onAct, ...rows }: Props) {
  const { t } = useWords();
  const tenantName = useCallback(({ tenant_id }: Alert) => nameOfTenant(tenant_id), [nameOfTenant]);
  const api = useAlertsApi();
  const [opened, setOpened] = useState<ReadonlySet<string | null>>(new Set());
  const { order: listOrder, limit: _, ...filter } = search;
  const order = listOrder === 'resolved' ? 'newest' : listOrder;
  const { data, error, isPending, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery({
    queryKey: ['numbers', 'groups', filter, by, order],
    queryFn: ({ pageParam, signal }) =>
      api.groups({ ...filter, by, order, ...(pageParam && { after: pageParam }) }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    staleTime: 1_000,
    refetchInterval: 30_000,
  });
  if (isPending) return <Skeleton />;
  if (!data)
    return (
      <p className={styles.said} role="alert">
        {error.message}{' '}
        <button type="button" className={buttons.secondary} onClick={() => void refetch()}>
          {t('error.retry')}
        </button>
      </p>
    );
  const toggle = (key: string | null, open = !opened.has(key)) => {
    const next = new Set(opened);
    if (open) next.add(key);
    else next.delete(key);
    setOpened(next);
  };
  const act = async (key: string | null, what: AlertAct) => {
    try {
      onAct(await allOf(api, searchIn(filter, by, key)), what);
    } catch {
      toast.error(t('group.failed'));
    }
  };
  const groups = data.pages.flatMap((page) => page.groups);
  return (
    <div className={styles.frame}>
      <ul className={styles.groups} aria-label={t(`group.${by}`)} data-testid="groups">
        {groups.map((group) => (
          <li key={group.key ?? ''} data-group={group.key ?? ''}>
            <Line
              group={group}
              by={by}
              isOpen={opened.has(group.key)}
              name={by === 'tenant' && group.key !== null ? (nameOfTenant(group.key) ?? group.key) : group.key}
              onToggle={(open) => toggle(group.key, open)}
              onAct={rows.mayAct ? (what) => void act(group.key, what) : null}
            />
            {opened.has(group.key) && (
              <GroupAlerts search={searchIn(search, by, group.key)} tenantName={tenantName} {...rows} />
            )}
          </li>
        ))}
      </ul>
      {!data.pages.at(-1)!.complete && <p className={styles.said}>{t('group.incomplete')}</p>}
      {hasNextPage && (
        <button type="button" className={styles.more} onClick={() => void fetchNextPage()}>
          {t('group.more')}
        </button>
      )}
    </div>
  );
});

interface LineProps {
  group: AlertGroup;
  by: GroupedBy;
  isOpen: boolean;
  name: string | null;
  onToggle(open?: boolean): void;
  onAct: ((act: AlertAct) => void) | null;
}

function Line({ group, by, isOpen, name, onToggle, onAct }: LineProps) {
  const { t, intl } = useWords();
  const { severity, alerts, taken, newest, oldest_at, newest_at } = group;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'ArrowRight') onToggle(true);
    else if (event.key === 'ArrowLeft') onToggle(false);
    else if (event.key === 'a' && onAct) onAct({ act: 'acknowledge' });
    else return;
    // the page's own keys act on a row
    event.stopPropagation();
    event.preventDefault();
  };
  return (
    <div className={styles.group} data-severity={severity}>
      <button
        type="button"
        className={styles.line}
        aria-expanded={isOpen}
        onClick={() => onToggle()}
        onKeyDown={onKeyDown}
      >
        {isOpen ? <ChevronDown size={16} aria-hidden /> : <ChevronRight size={16} aria-hidden />}
        <SeverityMark severity={severity} />
        <span className={styles.key}>{name ?? t(by === 'name' ? 'group.unnamed' : 'group.noKey')}</span>
        <span className={styles.count} data-number data-testid="group-count">
          {t('list.times', { count: intl.formatNumber(alerts) })}
        </span>
        <bdi className={styles.newest}>{shownText(newest.title)}</bdi>
        {taken > 0 && (
          <span className={styles.taken} data-testid="group-taken">
            {t('group.taken', { taken: intl.formatNumber(taken), count: intl.formatNumber(alerts) })}
          </span>
        )}
        <span className={styles.when}>
          {Date.parse(newest_at) - Date.parse(oldest_at) >= MINUTE_MS && (
            <>
              <Ago at={oldest_at} /> –{' '}
            </>
          )}
          <Ago at={newest_at} />
        </span>
      </button>
      {onAct && (
        <button
          type="button"
          className={styles.act}
          title={`${t('group.acknowledge', { count: alerts })} (A)`}
          onClick={() => onAct({ act: 'acknowledge' })}
        >
          <CircleDot size={15} aria-hidden />
          <span>{t('group.acknowledge', { count: alerts })}</span>
        </button>
      )}
    </div>
  );
}
