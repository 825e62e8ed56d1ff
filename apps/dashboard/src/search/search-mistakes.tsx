import { memo } from 'react';
import { useWords, type Words } from '../words/words';
import styles from './search-mistakes.module.css';
import { corrected, mistakesIn, type Mistake } from './search-terms';

/** What the search leaves out because it cannot be what the user meant, with the correction where one is near. */
export const SearchMistakes = memo(function SearchMistakes({ q, onSearch }: { q: string; onSearch(q: string): void }) {
  const { t } = useWords();
  const mistakes = mistakesIn(q);
  if (mistakes.length === 0) return null;
  return (
    <ul className={styles.mistakes} data-testid="search-mistakes" aria-live="polite">
      {mistakes.map((mistake) => (
        <li key={mistake.term.at}>
          <s>{mistake.term.text}</s>
          <span>{wordsOf(mistake, t)}</span>
          <button type="button" onClick={() => onSearch(corrected(q, mistake))}>
            {mistake.instead === null
              ? t('search.remove', { term: mistake.term.text })
              : t('search.instead', { term: mistake.instead })}
          </button>
        </li>
      ))}
    </ul>
  );
});

function wordsOf({ kind, term }: Mistake, t: Words): string {
  const name = term.key ?? term.text;
  switch (kind) {
    case 'value':
      return t('mistake.value', { name, value: term.value });
    case 'time':
      return t('mistake.time', { name });
    case 'exclusion':
      return term.key === null ? t('mistake.word') : t('mistake.exclusion', { name });
    case 'nothing':
      return t('mistake.nothing', { name });
    case 'key':
      return t('mistake.key', { name });
    default:
      return t('mistake.operator');
  }
}
