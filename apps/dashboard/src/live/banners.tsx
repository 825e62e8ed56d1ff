import { lazy, type ReactNode } from 'react';
import { BellRing, CloudOff, LockKeyhole, SearchX } from 'lucide-react';
import type { Gap } from '@tocsin/react-client';
import type { AlertOrder, AlertPlace } from '@tocsin/contracts/wire';
import { useWords } from '../words/words';
import buttons from '../settings/icon-button.module.css';
import styles from './banners.module.css';
import { Late } from './late';

/** A sentence above the list, with up to two buttons. */
export function Banner({
  icon,
  children,
  testId,
  ...actions
}: {
  icon: ReactNode;
  children: ReactNode;
  testId: string;
  first?: [string, () => void];
  second?: [string, () => void];
}) {
  const { first, second } = actions;
  return (
    <div className={styles.banner} role="status" data-testid={testId}>
      {icon}
      <span className={styles.words}>{children}</span>
      {first && (
        <button type="button" className={buttons.secondary} onClick={first[1]}>
          {first[0]}
        </button>
      )}
      {second && (
        <button type="button" className={buttons.button} onClick={second[1]}>
          {second[0]}
        </button>
      )}
    </div>
  );
}

/** Loaded with the first gap. */
const GapUrgent = lazy(() => import('./gap-urgent'));

export function GapBanner({ gap, since, onLoad }: { gap: Gap; since: number | null; onLoad(): void }) {
  const { t } = useWords();
  return (
    <Banner testId="gap" icon={<CloudOff size={16} aria-hidden />} first={[t('gap.load'), onLoad]}>
      {t('gap.banner', { count: gap.missed ?? 0 })}
      {since !== null && (
        <Late>
          <GapUrgent gap={gap} since={since} />
        </Late>
      )}
    </Banner>
  );
}

export function CatchUpBanner({
  count,
  urgent,
  atLeast,
  onShow,
  onSeen,
}: {
  count: number;
  urgent: number;
  atLeast: boolean;
  onShow(): void;
  onSeen(): void;
}) {
  const { t } = useWords();
  return (
    <Banner
      testId="catch-up"
      icon={<BellRing size={16} aria-hidden />}
      first={[t('catchup.show'), onShow]}
      second={[t('catchup.seen'), onSeen]}
    >
      {t('catchup.banner', { count, urgent, more: atLeast ? '+' : '' })}
    </Banner>
  );
}

export function RevokedBanner({ tenant, onDismiss }: { tenant: string; onDismiss(): void }) {
  const { t } = useWords();
  return (
    <Banner testId="revoked" icon={<LockKeyhole size={16} aria-hidden />} second={[t('dismiss'), onDismiss]}>
      {t('revoked.banner', { tenant })}
    </Banner>
  );
}

/** For a rare search that ended at the server's search bound: shows how far it searched, and a button to go on. */
export function ReachedBanner({
  order,
  reached,
  onFurther,
}: {
  order: AlertOrder;
  reached: AlertPlace;
  onFurther(): void;
}) {
  const { t } = useWords();
  return (
    <Banner testId="reached" icon={<SearchX size={16} aria-hidden />} first={[t('reached.further'), onFurther]}>
      {useReached(order, reached)}
    </Banner>
  );
}

/** A sentence that says how far a list has been searched. */
export function useReached(order: AlertOrder, { first_seen_at, resolved_at, severity }: AlertPlace): string {
  const { t, intl } = useWords();
  return t(`reached.${order}`, {
    time: intl.formatDate(resolved_at ?? first_seen_at, { dateStyle: 'medium', timeStyle: 'short' }),
    severity: t(`severity.${severity}`),
  });
}
