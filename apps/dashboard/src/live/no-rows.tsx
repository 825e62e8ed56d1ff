import type { AlertsView, StreamStatus } from '@tocsin/react-client';
import { CopyButton } from '../detail/copy-button';
import buttons from '../settings/icon-button.module.css';
import { useWords } from '../words/words';
import { AllQuiet, FirstRun, NothingMatches, NothingSoFar, Skeleton } from './empty';
import styles from './layout.module.css';
import type { Place } from './place';
import { useLastAlert } from './use-last-alert';

interface Props {
  list: AlertsView;
  place: Place;
  filtered: boolean;
  tenant: string;
  /** The stream's status, when the user may see nothing at all; else null. */
  forbidden: StreamStatus | null;
  user: string;
  onClear(): void;
  onTest: (() => void) | null;
  onSignOut(): void;
}

/** Shown in place of the rows when there are none. */
export function NoRows({ list, place, filtered, tenant, forbidden, user, onClear, onTest, onSignOut }: Props) {
  const { t } = useWords();
  const isLoaded = list.loadedAt !== null;
  const last = useLastAlert(isLoaded && !filtered && place.view === 'open');
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
  if (filtered) return <NothingMatches onClear={onClear} />;
  if (place.view === 'open' && last === null) return <FirstRun tenant={tenant} onTest={onTest} />;
  if (place.view === 'open')
    return last === undefined ? <Skeleton rows={0} /> : <AllQuiet title={t('empty.quiet')} last={last} />;
  return <AllQuiet title={t('empty.view')} last={null} />;
}
