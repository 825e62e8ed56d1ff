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
          <Refused letters={health.dead_letters} onShow={onRefused} />
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

function Refused({ letters, onShow }: { letters: SystemHealth['dead_letters']; onShow(): void }) {
  const say = useHealthWords();
  const count = letters?.reduce((sum, one) => sum + one.letters, 0);
  const oldest = letters?.map((one) => one.oldest).sort()[0];
  return (
    <>
      <h2 className={styles.part}>{say('refused')}</h2>
      <p data-testid="health-refused">
        {count === undefined
          ? say('notKnown.value')
          : count === 0
            ? say('refused.none')
            : say('refused.some', { count })}
        {oldest && (
          <>
            {' '}
            <Ago at={oldest} />.{' '}
            <button type="button" className={buttons.button} onClick={onShow}>
              {say('refused.show')}
            </button>
          </>
        )}
      </p>
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
