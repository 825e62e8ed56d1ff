import type { ReactNode } from 'react';
import { CircleAlert, CircleCheck, CircleHelp } from 'lucide-react';
import type { DependencyState, SystemHealth } from '@tocsin/contracts/wire';
import buttons from '../settings/icon-button.module.css';
import { Ago } from '../words/clock';
import { useWords } from '../words/words';
import { hasWords, useHealthWords } from './health-words';
import styles from './health.module.css';
import page from './refused.module.css';
import { useHealth } from './use-health';

const RUNBOOKS = '/docs/guide/operate#runbooks';
const ICONS = { up: CircleCheck, down: CircleAlert, unknown: CircleHelp };

/** What an operator needs to see first: what is away and what that means, and what waits. */
export default function Health({ onRefused }: { onRefused(): void }) {
  const say = useHealthWords();
  const { health, error } = useHealth();
  return (
    <section className={page.page} aria-labelledby="health-title" data-testid="health">
      <header className={page.head}>
        <h1 id="health-title">{say('title')}</h1>
        <p className={page.muted}>{say('scope')}</p>
        {error ? (
          <p role="alert" data-testid="health-not-known">
            {say('notKnown')} {health ? <Ago at={health.as_of} /> : '–'}. {error.message}
          </p>
        ) : (
          <p className={page.muted} role="status">
            {health ? (
              <>
                {say('asOf')} <Ago at={health.as_of} />
              </>
            ) : (
              say('loading')
            )}
          </p>
        )}
      </header>
      {health && (
        <div className={error ? styles.old : undefined}>
          <h2 className={styles.part}>{say('services')}</h2>
          <ul className={page.letters}>
            {health.dependencies.map((one) => (
              <Service key={one.name} service={one} />
            ))}
          </ul>
          <Waiting health={health} onRefused={onRefused} />
          <Gateway health={health} />
        </div>
      )}
    </section>
  );
}

function Service({ service: { name, status, critical, since } }: { service: DependencyState }) {
  const say = useHealthWords();
  const Icon = ICONS[status];
  return (
    <li className={styles.service} data-service={name} data-status={status}>
      <Icon size={18} aria-hidden />
      <span>
        <strong>{hasWords(name) ? say(`name.${name}`) : name}</strong>: {say(`status.${status}`)}
        {status !== 'unknown' && (
          <>
            {' '}
            {say('since')} <Ago at={since} />
          </>
        )}
        .{status === 'down' && hasWords(name) && ` ${say(`away.${name}`)}`}
        {status === 'down' && !critical && ` ${say('optional')}`}
      </span>
      {status === 'down' && <a href={RUNBOOKS}>{say('runbook')}</a>}
    </li>
  );
}

/** What waits: refused messages for a decision, and deliveries of each channel to be sent. */
function Waiting({ health: { dead_letters, deliveries }, onRefused }: { health: SystemHealth; onRefused(): void }) {
  const { intl } = useWords();
  const say = useHealthWords();
  return (
    <>
      <h2 className={styles.part}>{say('waiting')}</h2>
      <dl className={styles.facts}>
        <div data-value="dead_letters">
          <dt>{say('refused')}</dt>
          <dd>
            {dead_letters === null ? say('notKnown.value') : say('refused.some', { count: dead_letters })}{' '}
            {dead_letters !== null && dead_letters > 0 && (
              <button type="button" className={buttons.button} onClick={onRefused}>
                {say('refused.show')}
              </button>
            )}
          </dd>
        </div>
        {deliveries === null ? (
          <div data-value="deliveries">
            <dt>{say('deliveries.all')}</dt>
            <dd>{say('notKnown.value')}</dd>
          </div>
        ) : (
          deliveries.map(({ channel, due, oldest_due_at }) => (
            <div key={channel} data-value={channel}>
              <dt>{say('deliveries', { channel })}</dt>
              <dd>
                {intl.formatNumber(due)}
                {oldest_due_at && (
                  <>
                    , {say('deliveries.oldest')} <Ago at={oldest_due_at} />
                  </>
                )}
              </dd>
            </div>
          ))
        )}
      </dl>
    </>
  );
}

function Gateway({ health }: { health: SystemHealth }) {
  const { intl } = useWords();
  const say = useHealthWords();
  const facts: [label: string, value: ReactNode][] = [
    [
      say('clients'),
      health.not_ready === null ? say('clients.taken') : say('clients.refused', { why: health.not_ready }),
    ],
    [say('streams'), say('streams.of', { streams: intl.formatNumber(health.streams), tenants: health.tenants })],
    [
      say('users'),
      health.users.map(({ user_id, streams }) => `${user_id} ${intl.formatNumber(streams)}`).join(', ') ||
        say('users.none'),
    ],
    [
      say('delivery'),
      health.delivery
        ? say('delivery.of', {
            p50: intl.formatNumber(Math.round(health.delivery.p50_ms)),
            p99: intl.formatNumber(Math.round(health.delivery.p99_ms)),
            samples: health.delivery.samples,
            minutes: health.delivery.window_seconds / 60,
          })
        : say('delivery.none'),
    ],
    [say('slow'), intl.formatNumber(health.closed_slow)],
    [say('last'), health.last_entry_at ? <Ago key="last" at={health.last_entry_at} /> : say('last.none')],
    [say('version'), health.version],
    [say('started'), <Ago key="started" at={health.started_at} />],
  ];
  return (
    <>
      <h2 className={styles.part}>{say('gateway')}</h2>
      <dl className={styles.facts} data-testid="health-gateway">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
