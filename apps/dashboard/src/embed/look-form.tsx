import { LANGUAGES } from '../words/words';
import { useLateWords } from '../words/late-words';
import { PREVIEW_WORDS } from './preview-words';
import styles from './preview.module.css';
import type { Look } from './snippet';

const SCHEMES = ['auto', 'light', 'dark'] as const;
/** What the colour field begins with: it cannot be empty. */
const FIRST_ACCENT = '#0a7d4f';

/** The fields that choose a look. */
export function LookForm({ look, change }: { look: Look; change(part: Partial<Look>): void }) {
  const t = useLateWords(PREVIEW_WORDS);
  return (
    <form className={styles.form} onSubmit={(event) => event.preventDefault()} aria-label={t('look')}>
      <label>
        {t('scheme')}
        <select value={look.scheme} onChange={({ target }) => change({ scheme: target.value as Look['scheme'] })}>
          {SCHEMES.map((scheme) => (
            <option key={scheme} value={scheme}>
              {t(`scheme.${scheme}`)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t('language')}
        <select value={look.locale} onChange={({ target }) => change({ locale: target.value as Look['locale'] })}>
          {Object.entries(LANGUAGES).map(([language, name]) => (
            <option key={language} value={language} lang={language}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className={styles.choice}>
        <input
          type="checkbox"
          checked={look.accent !== null}
          onChange={({ target }) => change({ accent: target.checked ? FIRST_ACCENT : null })}
        />
        {t('accentOwn')}
      </label>
      {look.accent !== null && (
        <label>
          {t('accent')}
          <input type="color" value={look.accent} onChange={({ target }) => change({ accent: target.value })} />
        </label>
      )}
      <label>
        {t('width', { width: look.width })}
        <input
          type="range"
          min={320}
          max={560}
          step={20}
          value={look.width}
          onChange={({ target }) => change({ width: Number(target.value) })}
        />
      </label>
    </form>
  );
}
