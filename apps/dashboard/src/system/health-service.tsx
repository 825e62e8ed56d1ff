import { CircleAlert, CircleCheck, CircleHelp } from 'lucide-react';
import type { DependencyState } from '@tocsin/contracts/wire';
import { Ago } from '../words/clock';
import { Runbook } from './fact';
import { hasWords, useHealthWords } from './health-words';
import styles from './health.module.css';

const ICONS = { up: CircleCheck, down: CircleAlert, unknown: CircleHelp };
/** The runbooks of services; the others are looked up in their list. */
const RUNBOOKS: Readonly<Record<string, string>> = {
  postgres: 'postgresql-is-away',
  redis: 'redis-is-away',
  rabbitmq: 'the-queue-takes-no-messages',
};

/** A service that the gateway needs: since when it answers or is away, and what its absence means. */
export function Service({ service: { name, status, critical, since } }: { service: DependencyState }) {
  const say = useHealthWords();
  const Icon = ICONS[status];
  const called = hasWords(name) ? say(`name.${name}`) : name;
  return (
    <li className={styles.service} data-service={name} data-status={status}>
      <Icon size={18} aria-hidden />
      <span>
        <strong>{called}</strong>: {say(`status.${status}`)}
        {status !== 'unknown' && (
          <>
            {' '}
            {say('since')} <Ago at={since} />
          </>
        )}
        .{status === 'down' && hasWords(name) && ` ${say(`away.${name}`)}`}
        {status === 'down' && !critical && ` ${say('optional')}`}
      </span>
      <Runbook part={RUNBOOKS[name] ?? 'runbooks'} about={called} />
    </li>
  );
}
