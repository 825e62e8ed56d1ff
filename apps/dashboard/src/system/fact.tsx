import type { ReactNode } from 'react';
import { below } from '../base-path';
import { useHealthWords } from './health-words';
import styles from './health.module.css';

const RUNBOOKS = below('/docs/guide/operate');

/** Leads to the part of the guide that says what to do; the other text of the link is for those who hear it alone. */
export function Runbook({ part, about }: { part: string; about: string }) {
  const say = useHealthWords();
  return (
    <a href={`${RUNBOOKS}#${part}`} className={styles.runbook} aria-label={say('runbook.of', { about })}>
      {say('runbook')}
    </a>
  );
}

/** One line: what it is, how it is, and where it says what to do. */
export function Fact({
  name,
  label,
  runbook,
  isBad = false,
  children,
}: {
  name: string;
  label: string;
  runbook?: string;
  /** Whether an operator should look at it. */
  isBad?: boolean;
  children: ReactNode;
}) {
  return (
    <div data-value={name} data-bad={isBad || undefined}>
      <dt>{label}</dt>
      <dd>{children}</dd>
      {runbook && (
        <dd className={styles.link}>
          <Runbook part={runbook} about={label} />
        </dd>
      )}
    </div>
  );
}
