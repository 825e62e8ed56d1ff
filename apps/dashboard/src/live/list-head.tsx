import { memo } from 'react';
import { X } from 'lucide-react';
import { ALERT_ORDERS, type AlertOrder } from '@tocsin/contracts/wire';
import { SaveView } from '../search/save-view';
import { formatSearch, parseSearch } from '../search/search-syntax';
import { onServer, useNow } from '../words/clock';
import { momentWords } from '../words/time-words';
import { useWords } from '../words/words';
import { GROUPINGS, type Grouping, type Place } from './place';
import styles from './list-head.module.css';

interface Props {
  place: Place;
  /** Whether the newest are those that were resolved last. */
  byResolution: boolean;
  /** When the list was last up to date, if it no longer is; null: it is up to date. */
  asOf: number | null;
  onSearch(q: string): void;
  onOrder(order: AlertOrder): void;
  onGroup(group: Grouping): void;
}

/** The line above the list: the view, the filters and the order. */
export const ListHead = memo(function ListHead({ place, byResolution, asOf, onSearch, onOrder, onGroup }: Props) {
  const { view, q, order, group } = place;
  const { t, intl } = useWords();
  const now = useNow();
  const terms = q ? (formatSearch(parseSearch(q)).match(/(?:[^\s"]|"(?:[^"\\]|\\.)*")+/g) ?? []) : [];
  const without = (gone: number) => terms.filter((_, index) => index !== gone).join(' ');
  return (
    <div className={styles.head}>
      <h1 className={styles.title}>{t(`view.${view}`)}</h1>
      <ul className={styles.chips}>
        {terms.map((term, index) => (
          <li key={term} className={styles.chip}>
            <span>{term}</span>
            <button type="button" aria-label={t('search.remove', { term })} onClick={() => onSearch(without(index))}>
              <X size={12} aria-hidden />
            </button>
          </li>
        ))}
      </ul>
      <span className={styles.fill} />
      {asOf !== null && (
        <span className={`${styles.muted} ${styles.asOf}`}>
          {t('time.asOf', { time: momentWords(intl, onServer(asOf), now) })}
        </span>
      )}
      <SaveView place={place} />
      <label className={styles.order}>
        <span className="hidden">{t('group.label')}</span>
        <select value={group} onChange={(event) => onGroup(event.target.value as Grouping)}>
          {GROUPINGS.map((one) => (
            <option key={one} value={one}>
              {t(`group.${one}`)}
            </option>
          ))}
        </select>
      </label>
      <label className={styles.order}>
        <span className="hidden">{t('order.label')}</span>
        <select value={order} onChange={(event) => onOrder(event.target.value as AlertOrder)}>
          {ALERT_ORDERS.map((one) => (
            <option key={one} value={one}>
              {t(one === 'newest' && byResolution ? 'order.resolved' : `order.${one}`)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
});
