import { useState, type FormEvent } from 'react';
import { useWords } from '../words/words';
import buttons from '../settings/icon-button.module.css';
import { Mark } from '../settings/mark';
import { readToken, tokenIn } from './session';
import { signInMode, signInUrl } from './cookie-session';
import { useLateWords } from '../words/late-words';
import { signInWords } from './sign-in-words';
import { tokenUrl } from './token-source';
import styles from './sign-in.module.css';

/** Leads to the provider, or asks for a token, and shows what was wrong with the last one. */
export default function SignIn({
  problem,
  ended = false,
  onToken,
}: {
  problem: string | null;
  ended?: boolean;
  onToken(token: string): void;
}) {
  const { t } = useWords();
  const [pasted, setPasted] = useState('');
  const [wrong, setWrong] = useState(problem);
  const [bySource] = useState(() => tokenUrl(document) !== null);
  const [mode] = useState(() => signInMode(document));
  const [failure] = useState(takeFailure);
  const late = useLateWords(signInWords);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const token = tokenIn(pasted);
    const read = readToken(token, Date.now());
    if (typeof read === 'string') setWrong(t(`signin.${read}`));
    else onToken(token);
  };
  const form = (
    <form onSubmit={submit} className={styles.form}>
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
      <p id="signin-problem" role="alert" className={styles.problem}>
        {wrong && asCode(wrong)}
      </p>
      <button
        type="submit"
        className={bySource || mode !== null ? buttons.secondary : buttons.primary}
        disabled={!pasted.trim()}
      >
        {t('signin.go')}
      </button>
    </form>
  );
  return (
    <div className={styles.card}>
      <Mark size={36} />
      <h1>{t(ended ? 'signin.ended' : 'signin.title')}</h1>
      {mode !== null ? (
        <>
          {failure !== null ? (
            <p role="alert" className={styles.problem}>
              {late(isAway(failure) ? 'away' : 'failed', { code: failure })}
            </p>
          ) : (
            <p>{ended ? t('signin.endedHint') : late('hint')}</p>
          )}
          <button
            type="button"
            autoFocus
            className={buttons.primary}
            onClick={() => location.assign(signInUrl(location))}
          >
            {t('signin.go')}
          </button>
          {mode === 'or-token' && (
            <details>
              <summary className={styles.hint}>{t('signin.byToken')}</summary>
              {form}
            </details>
          )}
        </>
      ) : bySource ? (
        <>
          {ended && <p>{t('signin.endedHint')}</p>}
          {/* a reload lets the login proxy in front of the page sign the user in */}
          <button type="button" autoFocus className={buttons.primary} onClick={() => location.reload()}>
            {t('signin.go')}
          </button>
          <details>
            <summary className={styles.hint}>{t('signin.byToken')}</summary>
            {form}
          </details>
        </>
      ) : (
        <>
          <p>{t(ended ? 'signin.endedHint' : 'signin.hint')}</p>
          {form}
          <p className={styles.hint}>{asCode(t('signin.where'))}</p>
        </>
      )}
    </div>
  );
}

/** Why the last sign-in failed, which the gateway says in the fragment (`#sign_in=…`), once. */
function takeFailure(): string | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const failure = fragment.get('sign_in');
  if (failure === null) return null;
  history.replaceState(history.state, '', location.pathname + location.search);
  return /^[a-z_]{1,40}$/.test(failure) ? failure : 'sign_in_failed';
}

const isAway = (code: string): boolean => code.endsWith('_unavailable');

/** Shows text between back-ticks as code, which the user can type. */
const asCode = (text: string) =>
  text.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
