import { useState } from 'react';
import type { RefusedMessage } from '@tocsin/contracts/wire';
import { below } from '../base-path';
import buttons from '../settings/icon-button.module.css';
import { useWords } from '../words/words';
import { AskFirst } from './ask-first';
import { Letter } from './letter';
import { reasonWord, useRefusedWords } from './refused-words';
import styles from './refused.module.css';
import { useDecisions } from './use-decisions';
import { useDeciding, useRefusedMessages, useRefusedSummary } from './use-refused';

interface Asked {
  act: 'redrive' | 'discard';
  /** One letter; or all up to the newest that was listed when the question was asked, under the reason. */
  what: RefusedMessage | { reason: string | null; up_to: number };
}

/** The refused messages that wait for a decision, the newest first. */
export default function Refused({
  isOperator,
  nameOf,
}: {
  isOperator: boolean;
  nameOf(tenantId: string): string | null;
}) {
  const { t } = useWords();
  const say = useRefusedWords();
  const [reason, setReason] = useState<string | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const deciding = useDeciding(isOperator);
  const looked = useRefusedSummary();
  const { summary, isKnown } = looked;
  const list = useRefusedMessages(reason, looked);
  const decisions = useDecisions();
  const letters = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const reasons = [...new Set([...letters.map((letter) => letter.reason), ...(reason ? [reason] : [])])].sort();
  if (deciding?.none) return <p className={styles.page}>{say('notAllowed')}</p>;
  const perform = (note: string) => {
    if (!asked) return;
    const { act, what } = asked;
    void ('up_to' in what ? decisions.many(what, act, note) : decisions.one(what, act, note));
  };
  const decidable = letters.filter((letter) => deciding?.mayDecide(letter));
  return (
    <section className={styles.page} aria-labelledby="refused-title" data-testid="refused">
      <header className={styles.head}>
        <h1 id="refused-title">{say('title')}</h1>
        <p className={styles.muted} role="status">
          {isKnown && summary ? say('open', { count: summary.open }) : '–'}
          {'. '}
          {say(isOperator ? 'scope.all' : 'scope.own')} <a href={below('/docs/guide/dead-letters')}>{say('guide')}</a>
        </p>
        <span className={styles.acts}>
          <select
            aria-label={say('filter')}
            value={reason ?? ''}
            onChange={(event) => setReason(event.target.value || null)}
          >
            <option value="">{say('filter.all')}</option>
            {reasons.map((one) => (
              <option key={one} value={one}>
                {say(reasonWord(one))}
              </option>
            ))}
          </select>
          {decidable.length > 1 &&
            (['redrive', 'discard'] as const).map((act) => (
              <button
                key={act}
                type="button"
                className={buttons.secondary}
                onClick={() => setAsked({ act, what: { reason, up_to: letters[0]!.dead_letter_id } })}
              >
                {say(`many.${act}`)}
              </button>
            ))}
        </span>
      </header>
      {list.error && (
        <p role="alert" data-testid="refused-not-known">
          {say('notKnown')} {list.error.message}{' '}
          <button type="button" className={buttons.button} onClick={() => void list.refetch()}>
            {t('error.retry')}
          </button>
        </p>
      )}
      {list.data && letters.length === 0 && (
        <div className={styles.none} data-testid="refused-none">
          <h2>{say('none')}</h2>
          <p className={styles.muted}>{say('none.why')}</p>
        </div>
      )}
      <ul className={styles.letters}>
        {letters.map((letter) => (
          <Letter
            key={letter.dead_letter_id}
            letter={letter}
            tenantName={letter.tenant_id && nameOf(letter.tenant_id)}
            mayDecide={deciding?.mayDecide(letter) ?? false}
            onRedrive={() => void decisions.one(letter, 'redrive', '')}
            onDiscard={() => setAsked({ act: 'discard', what: letter })}
          />
        ))}
      </ul>
      {list.hasNextPage && (
        <button
          type="button"
          className={buttons.secondary}
          disabled={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {say('older')}
        </button>
      )}
      {asked && (
        <AskFirst act={asked.act} many={'up_to' in asked.what} onYes={perform} onClose={() => setAsked(null)} />
      )}
    </section>
  );
}
