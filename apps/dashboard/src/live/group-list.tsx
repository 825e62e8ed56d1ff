import { ChevronRight } from 'lucide-react';
import type { Alert } from '@tocsin/contracts/wire';
import { Ago } from '../words/clock';
import { useWords } from '../words/words';
import { groupsOf } from './groups';
import styles from './group-list.module.css';
import type { Grouping } from './place';
import { SeverityMark } from './severity-mark';

interface Props {
  alerts: readonly Alert[];
  by: Exclude<Grouping, 'none'>;
  /** Whether there are more alerts than were loaded: each group's count is then a minimum. */
  hasMore: boolean;
  onOpen(key: string): void;
}

/** The list in groups: one line for each service or each alert name. A click on a line shows its alerts. */
export default function GroupList({ alerts, by, hasMore, onOpen }: Props) {
  const { t, intl } = useWords();
  return (
    <ul className={styles.groups} aria-label={t(`group.${by}`)} data-testid="groups">
      {groupsOf(alerts, by).map(({ key, count, severity, newest }) => (
        <li key={key}>
          <button
            type="button"
            className={styles.group}
            disabled={key === ''}
            onClick={() => onOpen(key)}
            data-group={key}
          >
            <SeverityMark severity={severity} />
            <span className={styles.key}>{key || t('group.unnamed')}</span>
            <span className={styles.count} data-number>
              {t('list.times', { count: intl.formatNumber(count) + (hasMore ? '+' : '') })}
            </span>
            <bdi className={styles.newest}>{newest.title}</bdi>
            <Ago at={newest.last_seen_at} className={styles.when} />
            <ChevronRight size={16} aria-hidden />
          </button>
        </li>
      ))}
    </ul>
  );
}
