import { ChevronRight } from 'lucide-react';
import { useState } from 'react';
import type { Delivery, DeliveryAttempt } from '@tocsin/contracts/wire';
import buttons from '../settings/icon-button.module.css';
import { Ago, serverNow } from '../words/clock';
import { nameOf } from '../words/people';
import { exactWords, momentWords, spanWords } from '../words/time-words';
import { useWords } from '../words/words';
import { DeliveryMark } from './delivery-mark';
import { recipientWords, stateOf, type DeliveryState } from './delivery-state';
import { useDeliveryWords } from './delivery-words';
import styles from './deliveries.module.css';

const SECOND_MS = 1_000;

interface Props {
  delivery: Delivery;
  /** The time by the server's clock, in milliseconds. */
  now: number;
  /** Sends it again; null: it is not dead, or the user may not. */
  onAgain: ((mayRepeat: boolean) => Promise<void>) | null;
}

/** One delivery: to whom, over what, its state; its attempts when it is opened. */
export function DeliveryRow({ delivery, now, onAgain }: Props) {
  const say = useDeliveryWords();
  const state = stateOf(delivery);
  const { channel, attempts, settled_at, created_at } = delivery;
  return (
    <li data-delivery={delivery.delivery_id} data-channel={channel} data-state={state}>
      <details>
        <summary>
          <DeliveryMark state={state} />
          <span className={styles.what}>
            <span className={styles.recipient}>
              <bdi>{recipientWords(delivery, nameOf)}</bdi>{' '}
              <span className={styles.muted}>{say(`channel.${channel}`)}</span>
            </span>
            <StateWords delivery={delivery} state={state} now={now} />
          </span>
          <Ago at={settled_at ?? created_at} className={styles.at} />
          <ChevronRight size={14} aria-hidden className={styles.chevron} />
        </summary>
        {attempts.length === 0 ? (
          <p className={styles.muted}>{say('try.none')}</p>
        ) : (
          <ol className={styles.attempts}>
            {attempts.map((attempt) => (
              <Attempt key={attempt.attempt} attempt={attempt} />
            ))}
          </ol>
        )}
      </details>
      {onAgain && <SendAgain mayHaveArrived={delivery.status === 'unknown'} onAgain={onAgain} />}
    </li>
  );
}

function StateWords({ delivery, state, now }: { delivery: Delivery; state: DeliveryState; now: number }) {
  const { intl } = useWords();
  const say = useDeliveryWords();
  const { attempts, due_at, reason, provider_code } = delivery;
  const left = due_at === null ? 0 : Date.parse(due_at) - now;
  const due = left < SECOND_MS ? say('due.now') : say('due.in', { span: spanWords(intl, left) });
  const n = state === 'again' ? attempts.length + 1 : attempts.length;
  const why = reason ?? (state === 'again' ? attempts.at(-1)?.reason : null);
  return (
    <span className={styles.state} data-number>
      {say(`state.${state}`, { due, n })}
      {why && <> · {say(`reason.${why}`)}</>}
      {provider_code && <> ({provider_code})</>}
    </span>
  );
}

/** One attempt: when, how it ended, how long it took, and what the provider said. */
function Attempt({
  attempt: { attempt, begun_at, ended_at, outcome, reason, answer, provider_id },
}: {
  attempt: DeliveryAttempt;
}) {
  const { intl } = useWords();
  const say = useDeliveryWords();
  const begun = Date.parse(begun_at);
  const took = ended_at === null ? null : Math.max(0, Date.parse(ended_at) - begun) / SECOND_MS;
  return (
    <li>
      <div>
        {say('try.number', { n: attempt })} · {say(`try.${outcome ?? 'underWay'}`)}
        {reason && <> · {say(`reason.${reason}`)}</>}
      </div>
      <div className={styles.muted} data-number>
        <time dateTime={begun_at} title={exactWords(intl, begun)}>
          {momentWords(intl, begun, serverNow())}
        </time>
        {took !== null && <> · {intl.formatNumber(took, { maximumFractionDigits: took < 10 ? 1 : 0 })} s</>}
        {provider_id && <> · {provider_id}</>}
      </div>
      {answer && (
        <code className={styles.answer} dir="auto">
          {answer}
        </code>
      )}
    </li>
  );
}

/** The button that sends a delivery again. One that may have arrived already is asked about once more. */
function SendAgain({ mayHaveArrived, onAgain }: { mayHaveArrived: boolean; onAgain: NonNullable<Props['onAgain']> }) {
  const { t } = useWords();
  const say = useDeliveryWords();
  const [asks, setAsks] = useState(false);
  const [pending, setPending] = useState(false);
  const send = () => {
    setPending(true);
    setAsks(false);
    void onAgain(mayHaveArrived).finally(() => setPending(false));
  };
  if (!asks)
    return (
      <button
        type="button"
        className={`${buttons.secondary} ${styles.again}`}
        disabled={pending}
        onClick={mayHaveArrived ? () => setAsks(true) : send}
      >
        {say('again')}
      </button>
    );
  return (
    <div className={styles.confirm} role="group">
      <span>{say('again.twice')}</span>
      <button type="button" autoFocus className={buttons.secondary} onClick={send}>
        {say('again.go')}
      </button>
      <button type="button" className={buttons.secondary} onClick={() => setAsks(false)}>
        {t('cancel')}
      </button>
    </div>
  );
}
