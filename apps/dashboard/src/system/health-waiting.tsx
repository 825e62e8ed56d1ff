import type { QueueDepth, SystemHealth } from '@tocsin/contracts/wire';
import buttons from '../settings/icon-button.module.css';
import { Ago } from '../words/clock';
import { useWords } from '../words/words';
import { Fact } from './fact';
import { useHealthWords } from './health-words';
import styles from './health.module.css';

/** What waits: messages to be stored, refused ones for a decision, and deliveries of each channel to be sent. */
export function Waiting({
  health: { dead_letters, deliveries, queues },
  onRefused,
}: {
  health: SystemHealth;
  onRefused(): void;
}) {
  const { intl } = useWords();
  const say = useHealthWords();
  return (
    <>
      <h2 className={styles.part}>{say('waiting')}</h2>
      <dl className={styles.facts}>
        {queues === null ? (
          <Fact name="queues" label={say('queue.all')} runbook="messages-pile-up-in-rabbitmq">
            {say('notKnown.value')}
          </Fact>
        ) : (
          queues.filter(isShown).map((one) => <Queue key={one.queue + one.kind} depth={one} />)
        )}
        <Fact name="dead_letters" label={say('refused')} runbook="dead-letters">
          {dead_letters === null ? say('notKnown.value') : say('refused.some', { count: dead_letters })}{' '}
          {dead_letters !== null && dead_letters > 0 && (
            <button type="button" className={buttons.button} onClick={onRefused}>
              {say('refused.show')}
            </button>
          )}
        </Fact>
        {deliveries === null ? (
          <Fact name="deliveries" label={say('deliveries.all')} runbook="deliveries-are-late">
            {say('notKnown.value')}
          </Fact>
        ) : (
          deliveries.map(({ channel, due, oldest_due_at }) => (
            <Fact key={channel} name={channel} label={say('deliveries', { channel })} runbook="deliveries-are-late">
              {intl.formatNumber(due)}
              {oldest_due_at && (
                <>
                  , {say('deliveries.oldest')} <Ago at={oldest_due_at} />
                </>
              )}
            </Fact>
          ))
        )}
      </dl>
    </>
  );
}

/** The parts to which services publish, and of the others those that hold something. */
const isShown = ({ kind, messages }: QueueDepth, at: number, all: readonly QueueDepth[]): boolean =>
  messages > 0 || all.findIndex((one) => one.kind === kind && (kind === 'urgent' || kind === 'common')) === at;

function Queue({ depth: { queue, kind, messages, includes_in_hand, oldest_at } }: { depth: QueueDepth }) {
  const { intl } = useWords();
  const say = useHealthWords();
  return (
    <Fact
      name={`queue-${kind}`}
      label={say(`queue.${kind}`, { queue })}
      runbook="messages-pile-up-in-rabbitmq"
      isBad={kind === 'given_up' && messages > 0}
    >
      {intl.formatNumber(messages)}
      {messages > 0 && (
        <>
          , {oldest_at ? say('deliveries.oldest') : say('queue.noAge')} {oldest_at && <Ago at={oldest_at} />}
        </>
      )}{' '}
      <span className={styles.scope}>{say(includes_in_hand ? 'queue.withInHand' : 'queue.withoutInHand')}</span>
    </Fact>
  );
}
