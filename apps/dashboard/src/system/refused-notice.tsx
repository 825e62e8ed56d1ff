import buttons from '../settings/icon-button.module.css';
import { useNow } from '../words/clock';
import { spanWords } from '../words/time-words';
import { useWords } from '../words/words';
import { useRefusedWords } from './refused-words';
import styles from './refused.module.css';
import { useDeciding, useRefusedSummary } from './use-refused';

/**
 * Says in an empty list that messages were refused: that may be why it is empty. Nothing when none is, or it is not
 * known.
 */
export default function RefusedNotice({ isOperator, onWhy }: { isOperator: boolean; onWhy(): void }) {
  const { t, intl } = useWords();
  const say = useRefusedWords();
  const deciding = useDeciding(isOperator);
  const { summary, isKnown } = useRefusedSummary();
  const now = useNow();
  if (!isKnown || !summary?.newest || !deciding || deciding.none) return null;
  const age = Math.max(0, now - Date.parse(summary.newest.buried_at));
  return (
    <p className={styles.notice} role="status" data-testid="refused-notice">
      {say('notice', { count: summary.open, ago: t('time.ago', { span: spanWords(intl, age) }) })}
      {' · '}
      <button type="button" className={buttons.button} onClick={onWhy}>
        {say('notice.why')}
      </button>
    </p>
  );
}
