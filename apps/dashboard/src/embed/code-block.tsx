import { useId, useState } from 'react';
import { useLateWords } from '../words/late-words';
import { PREVIEW_WORDS } from './preview-words';
import styles from './preview.module.css';

/** Code with a button that copies it. */
export function CodeBlock({ title, text }: { title: string; text: string }) {
  const t = useLateWords(PREVIEW_WORDS);
  const [result, setResult] = useState<{ of: string; says: 'copied' | 'notCopied' } | null>(null);
  const id = useId();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setResult({ of: text, says: 'copied' });
    } catch {
      // not allowed, or not over https
      setResult({ of: text, says: 'notCopied' });
    }
  };
  return (
    <section className={styles.code} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        <span role="status">{result?.of === text && t(result.says)}</span>
        <button
          type="button"
          className={styles.button}
          aria-label={`${t('copy')}: ${title}`}
          onClick={() => void copy()}
        >
          {t('copy')}
        </button>
      </header>
      <pre tabIndex={0} aria-labelledby={id}>
        {text}
      </pre>
    </section>
  );
}
