import { lazy, type ReactNode } from 'react';
import { ALERT_STATUSES } from '@tocsin/contracts/wire';
import type { AlertsView, StreamStatus } from '@tocsin/react-client';
import { CopyButton } from '../detail/copy-button';
import buttons from '../settings/icon-button.module.css';
import { useWords } from '../words/words';
import { AllQuiet, NothingMatches, NothingSoFar, Skeleton } from './empty';
import { Late } from './late';
import styles from './layout.module.css';
import type { Place } from './place';
import { useLastAlert } from './use-last-alert';

/** Loaded when it is needed: a page has it once in its life. */
const FirstRun = lazy(() => import('./first-run'));

interface Props {
  list: AlertsView;
  place: Place;
  filtered: boolean;
  /** How many alerts of each status match the search, whatever the view; undefined while that is not known. */
  byStatus: Record<string, number> | undefined;
  tenant: string;
  /** The tenants that the list is about; undefined: all. */
  tenants: readonly string[] | undefined;
  /** The stream's status, when the user may see nothing at all; else null. */
  forbidden: StreamStatus | null;
  user: string;
  onClear(): void;
  /** Shows the matches of every status. */
  onAll(): void;
  onTest: (() => void) | null;
  onSignOut(): void;
  /** Stands below what is said of a list without alerts. */
  notice: ReactNode;
}

/** Shown in place of the rows when there are none. */
export function NoRows({
  list,
  place,
  filtered,
  byStatus = {},
  tenant,
  tenants,
  forbidden,
  user,
  onClear,
  onAll,
  onTest,
  onSignOut,
  notice,
}: Props) {
  const { t, intl } = useWords();
  const isLoaded = list.loadedAt !== null;
  const { last, failed } = useLastAlert(isLoaded && !filtered && place.view === 'open', tenants);
  // the page is about to choose some of them
  if (forbidden?.reason === 'too_many_tenants') return <Skeleton />;
  if (forbidden) {
    return (
      <div className={styles.error} role="alert">
        <h2>{t('pill.forbidden')}</h2>
        <p>
          {forbidden.reason === 'no_tenant' ? t('signin.noTenant', { user }) : (forbidden.detail ?? forbidden.reason)}
        </p>
        <button type="button" className={buttons.secondary} onClick={onSignOut}>
          {t('settings.signOut')}
        </button>
      </div>
    );
  }
  if (list.error && !isLoaded) {
    const { message, code, problem } = list.error;
    const request = problem?.instance?.replace('urn:uuid:', '');
    return (
      <div className={styles.error} role="alert" data-testid="error">
        <h2>{problem?.title ?? t('error.title')}</h2>
        <p>
          {message} <code>{code}</code>
        </p>
        <button type="button" className={buttons.primary} onClick={() => void list.reload()}>
          {t('error.retry')}
        </button>
        {request && (
          <span className={styles.request}>
            {t('error.request', { id: request })}
            <CopyButton text={request} label={t('error.copy')} />
          </span>
        )}
      </div>
    );
  }
  if (!isLoaded) return <Skeleton />;
  if (list.endedEarly && list.searched?.reached) {
    return (
      <NothingSoFar
        order={place.order}
        reached={list.searched.reached}
        loading={list.loadingMore}
        onFurther={() => void list.loadMore()}
        onClear={filtered ? onClear : null}
      />
    );
  }
  // the list is empty, so what matches has another status than the view's
  const elsewhere = ALERT_STATUSES.flatMap((status) => {
    const count = byStatus[status] ?? 0;
    return count > 0 ? [`${intl.formatNumber(count)} ${t(`status.${status}`).toLocaleLowerCase()}`] : [];
  });
  if (filtered) return <NothingMatches elsewhere={elsewhere} onAll={onAll} onClear={onClear} />;
  if (place.view === 'open' && last === null)
    return (
      <Late waiting={<Skeleton rows={0} />}>
        <FirstRun tenant={tenant} onTest={onTest} notice={notice} />
      </Late>
    );
  if (place.view === 'open')
    return last === undefined && !failed ? (
      <Skeleton rows={0} />
    ) : (
      <AllQuiet title={t('empty.quiet')} last={last ?? null} notice={notice} />
    );
  return <AllQuiet title={t('empty.view')} last={null} />;
}
