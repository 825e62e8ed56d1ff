import { Activity, TriangleAlert } from 'lucide-react';
import nav from '../search/navigation.module.css';
import { useWords } from '../words/words';
import { useRefusedWords } from './refused-words';
import type { SystemView } from './system-rights';
import { useDeciding, useRefusedSummary } from './use-refused';

/**
 * The part "System" of the navigation, for users who may see something of it. Its number is that of the refused
 * messages that wait for a decision, or a dash while it is not known.
 */
export default function SystemNav({
  view,
  isOperator,
  onView,
}: {
  view: SystemView | null;
  isOperator: boolean;
  onView(view: SystemView): void;
}) {
  const { t, intl } = useWords();
  const say = useRefusedWords();
  const deciding = useDeciding(isOperator);
  const { summary, isKnown } = useRefusedSummary();
  if (!deciding || deciding.none) return null;
  return (
    <section aria-label={t('system.label')} className={nav.facet}>
      <h2>{t('system.label')}</h2>
      <ul>
        <li>
          <button
            type="button"
            className={nav.entry}
            aria-current={view === 'refused' ? 'page' : undefined}
            title={say('title')}
            onClick={() => onView('refused')}
            data-testid="nav-refused"
          >
            <TriangleAlert size={16} aria-hidden />
            <span className={nav.word}>{say('title')}</span>
            <span className={nav.count} data-number>
              {isKnown && summary ? intl.formatNumber(summary.open) : '–'}
            </span>
          </button>
        </li>
        {isOperator && (
          <li>
            <button
              type="button"
              className={nav.entry}
              aria-current={view === 'health' ? 'page' : undefined}
              onClick={() => onView('health')}
              data-testid="nav-health"
            >
              <Activity size={16} aria-hidden />
              <span className={nav.word}>{say('health')}</span>
            </button>
          </li>
        )}
      </ul>
    </section>
  );
}
