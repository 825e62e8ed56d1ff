import { Star } from 'lucide-react';
import { SeverityMark } from '../live/severity-mark';
import { useWords } from '../words/words';
import { openText, worstOf, type CountedTenant, type NamedTenant } from './tenant-order';
import styles from './tenant-switcher.module.css';
import { useTenantWords } from './tenant-words';

interface Props {
  tenant: NamedTenant;
  counted: CountedTenant | undefined;
  /** The key that chooses it, for one that is pinned. */
  digit: number | undefined;
  isChosen: boolean;
  /** Whether no further tenant can be chosen. */
  isFull: boolean;
  isPinned: boolean;
  mayPin: boolean;
  onOnly(): void;
  onToggle(): void;
  onPin(): void;
}

/** One tenant in the list: a box to choose it beside others, its name to choose it alone, and a star to pin it. */
export function TenantRow({ tenant, counted, digit, isPinned, ...row }: Props) {
  const { intl } = useWords();
  const w = useTenantWords();
  const { tenant_id, name } = tenant;
  const worst = worstOf(counted);
  return (
    <li className={styles.row} data-tenant={tenant_id} data-chosen={row.isChosen}>
      <input
        type="checkbox"
        aria-label={w('add', { name })}
        checked={row.isChosen}
        disabled={row.isFull && !row.isChosen}
        onChange={row.onToggle}
      />
      <button type="button" data-stop className={styles.only} title={tenant_id} onClick={row.onOnly}>
        <span className={styles.mark}>{worst && <SeverityMark severity={worst} size={14} />}</span>
        <span className={styles.name} dir="auto">
          {name}
        </span>
        {digit !== undefined && <kbd className={styles.digit}>{digit}</kbd>}
        <span className={styles.number} data-number data-testid="tenant-open">
          {openText(counted, intl.formatNumber)}
        </span>
      </button>
      <button
        type="button"
        className={styles.pin}
        aria-pressed={isPinned}
        disabled={!isPinned && !row.mayPin}
        aria-label={w(isPinned ? 'unpin' : 'pin', { name })}
        title={w(isPinned ? 'unpin' : 'pin', { name })}
        onClick={row.onPin}
      >
        <Star size={14} fill={isPinned ? 'currentColor' : 'none'} aria-hidden />
      </button>
    </li>
  );
}
