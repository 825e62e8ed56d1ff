import { useState, type FormEvent } from 'react';
import { useWords } from '../words/words';
import buttons from '../settings/icon-button.module.css';
import { Mark } from '../settings/mark';
import { readToken, tokenIn } from './session';
import styles from './sign-in.module.css';

/** Asks for a token, and says what was wrong with the last one. */
export function SignIn({ problem, ended = false, onToken }: { problem: string | null; ended?: boolean; onToken(token: string): void }) {
  const { t } = useWords();
  const [pasted, setPasted] = useState('');
  const [wrong, setWrong] = useState(problem);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const token = tokenIn(pasted);
    const read = readToken(token, Date.now());
    if (typeof read === 'string') setWrong(t(`signin.${read}`));
    else onToken(token);
  };
  return (
    <form onSubmit={submit} className={styles.card}>
      <Mark size={36} />
      <h1>{t(ended ? 'signin.ended' : 'signin.title')}</h1>
      <p>{t(ended ? 'signin.endedHint' : 'signin.hint')}</p>
      <label className={styles.label}>
        {t('signin.token')}
        <textarea
          autoFocus
          rows={3}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          value={pasted}
          placeholder="eyJhbGciOi…"
          aria-invalid={wrong !== null}
          aria-describedby="signin-problem"
          onChange={(event) => setPasted(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') submit(event);
          }}
        />
      </label>
      <p id="signin-problem" role="alert" className={styles.problem}>{wrong}</p>
      <button type="submit" className={buttons.primary} disabled={!pasted.trim()}>{t('signin.go')}</button>
      <p className={styles.hint}>{asCode(t('signin.where'))}</p>
    </form>
  );
}

/** What stands between back-ticks is something to type. */
const asCode = (text: string) => text.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
