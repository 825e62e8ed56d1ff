import type { ReactNode } from 'react';
import { BellOff, SearchX } from 'lucide-react';
import type { AlertOrder, AlertPlace } from '@tocsin/contracts/wire';
import buttons from '../settings/icon-button.module.css';
import { useWords } from '../words/words';
import { useReached } from './banners';
import styles from './empty.module.css';

/** Says why there are no rows, and what the user can do about it. */
export function Empty({
  icon,
  title,
  hint,
  children,
}: {
  icon?: ReactNode;
  title: string;
  hint?: string;
  children?: ReactNode;
}) {
  return (
    <div className={styles.empty} data-testid="empty">
      {icon}
      <h2>{title}</h2>
      {hint && <p>{hint}</p>}
      {children}
    </div>
  );
}

/** `elsewhere` tells what matches in other views, such as `1 resolved`. */
export function NothingMatches({
  elsewhere,
  onAll,
  onClear,
}: {
  elsewhere: readonly string[];
  onAll(): void;
  onClear(): void;
}) {
  const { t, intl } = useWords();
  return (
    <Empty
      icon={<SearchX size={28} aria-hidden />}
      title={t('empty.filter')}
      {...(elsewhere.length > 0 && { hint: t('empty.elsewhere', { list: intl.formatList(elsewhere) }) })}
    >
      {elsewhere.length > 0 && (
        <button type="button" className={buttons.primary} onClick={onAll}>
          {t('empty.showAll')}
        </button>
      )}
      <button type="button" className={buttons.secondary} onClick={onClear}>
        {t('empty.clear')}
      </button>
    </Empty>
  );
}

/** Shown when the server has found nothing so far but has not searched everything. */
export function NothingSoFar({
  order,
  reached,
  loading,
  onFurther,
  onClear,
}: {
  order: AlertOrder;
  reached: AlertPlace;
  loading: boolean;
  onFurther(): void;
  onClear: (() => void) | null;
}) {
  const { t } = useWords();
  return (
    <Empty icon={<SearchX size={28} aria-hidden />} title={t('reached.empty')} hint={useReached(order, reached)}>
      <button type="button" className={buttons.primary} disabled={loading} onClick={onFurther}>
        {t('reached.further')}
      </button>
      {onClear && (
        <button type="button" className={buttons.secondary} onClick={onClear}>
          {t('empty.clear')}
        </button>
      )}
    </Empty>
  );
}

export function AllQuiet({ last, title, notice }: { last: string | null; title: string; notice?: ReactNode }) {
  const { t } = useWords();
  return (
    <Empty
      icon={<BellOff size={28} aria-hidden />}
      title={title}
      hint={last ? t('empty.quietHint', { ago: t('time.ago', { span: last }) }) : t('empty.quietNever')}
    >
      {notice}
    </Empty>
  );
}

/** Placeholder rows while the list loads. */
export function Skeleton({ rows = 8 }: { rows?: number }) {
  return (
    <div className={styles.skeleton} aria-busy data-testid="skeleton">
      {Array.from({ length: rows }, (_, row) => (
        <div
          key={row}
          className={styles.skeletonRow}
          style={{ '--width': `${35 + ((row * 17) % 40)}%` } as React.CSSProperties}
        />
      ))}
    </div>
  );
}
