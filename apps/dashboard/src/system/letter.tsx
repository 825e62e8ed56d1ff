import { useState } from 'react';
import { ChevronRight } from 'lucide-react';
import type { RefusedMessage } from '@tocsin/contracts/wire';
import { gatewayAddress } from '../base-path';
import { CopyButton } from '../detail/copy-button';
import buttons from '../settings/icon-button.module.css';
import { Ago } from '../words/clock';
import { useWords } from '../words/words';
import { asCurl, keyParts } from './as-curl';
import { LetterBody, useWholeLetter } from './letter-body';
import { helpWord, reasonWord, useRefusedWords } from './refused-words';
import styles from './refused.module.css';

/** One refused message: why, when and from where, and opened with its body and what can be done. */
export function Letter({
  letter,
  tenantName,
  mayDecide,
  onRedrive,
  onDiscard,
}: {
  letter: RefusedMessage;
  tenantName: string | null;
  mayDecide: boolean;
  onRedrive(): void;
  onDiscard(): void;
}) {
  const { t } = useWords();
  const say = useRefusedWords();
  const [isOpen, setOpen] = useState(false);
  const whole = useWholeLetter(letter, isOpen);
  const { reason, detail, tenant_id, truncated } = letter;
  const { service } = keyParts(letter.routing_key);
  const curl = whole.data ? asCurl(gatewayAddress(), whole.data) : null;
  return (
    <li data-letter={letter.dead_letter_id} data-reason={reason}>
      <details className={styles.letter} open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <ChevronRight size={14} aria-hidden />
          <span className={styles.reason}>
            {say(reasonWord(reason))} <code>{reason}</code>
          </span>
          <span className={styles.from}>
            {tenantName ?? tenant_id ?? say('noTenant')} · {service ?? say('noService')}
          </span>
          <Ago at={letter.buried_at} className={styles.when} />
        </summary>
        <div className={styles.inside}>
          {detail && <p className={styles.detail}>{detail}</p>}
          <p className={styles.muted}>{say(helpWord(reason))}</p>
          {whole.data ? (
            <LetterBody letter={whole.data} />
          ) : whole.error ? (
            <p role="alert">
              {whole.error.message}{' '}
              <button type="button" className={buttons.button} onClick={() => void whole.refetch()}>
                {t('error.retry')}
              </button>
            </p>
          ) : (
            <p className={styles.muted} aria-busy>
              {say('loading')}
            </p>
          )}
          <span className={styles.acts}>
            {mayDecide && !truncated && (
              <button type="button" className={buttons.primary} onClick={onRedrive}>
                {say('redrive')}
              </button>
            )}
            {mayDecide && (
              <button type="button" className={buttons.secondary} onClick={onDiscard}>
                {say('discard')}
              </button>
            )}
            {curl && (
              <CopyButton text={curl} label={say('curl')}>
                {say('curl')}
              </CopyButton>
            )}
            {!mayDecide && <span className={styles.muted}>{say('readOnly')}</span>}
          </span>
        </div>
      </details>
    </li>
  );
}
