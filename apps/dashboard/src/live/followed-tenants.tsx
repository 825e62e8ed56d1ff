import { useWords } from '../words/words';
import styles from './connection-pill.module.css';

/** More names than this stand in a list of their own. */
export const MOST_IN_A_LINE = 3;

/** The tenants whose entries the stream tells, one a line in order of name; the list scrolls. */
export function FollowedTenants({ names }: { names: readonly string[] }) {
  const { t, intl } = useWords();
  const inOrder = names.toSorted(new Intl.Collator(intl.locale, { numeric: true }).compare);
  return (
    <div className={styles.tenants} tabIndex={0} role="group" aria-label={t('pill.tenants')}>
      <ul>
        {inOrder.map((name, at) => (
          <li key={at} title={name}>
            {name}
          </li>
        ))}
      </ul>
    </div>
  );
}
