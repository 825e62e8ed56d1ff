import type { ProcessState, SystemHealth } from '@tocsin/contracts/wire';
import { Ago } from '../words/clock';
import { Fact } from './fact';
import { useHealthWords } from './health-words';
import styles from './health.module.css';

/** A process that missed three announcements is silent, in milliseconds. */
const SILENT_AFTER_MS = 45_000;

/** The processes of the installation: their versions, and when each was last heard of. */
export function Processes({ health: { processes, as_of } }: { health: SystemHealth }) {
  const say = useHealthWords();
  const apart = new Set(processes?.map(({ version, commit }) => `${version} ${commit}`)).size > 1;
  return (
    <>
      <h2 className={styles.part}>{say('processes')}</h2>
      <dl className={styles.facts} data-testid="health-processes">
        {processes === null ? (
          <Fact name="processes" label={say('processes')} runbook="a-process-is-down">
            {say('notKnown.value')}
          </Fact>
        ) : (
          processes.map((one, at) => <Process key={at} process={one} asOf={as_of} />)
        )}
        {apart && (
          <Fact name="versions" label={say('versions')} runbook="versions-are-apart" isBad>
            {say('versions.apart')}
          </Fact>
        )}
      </dl>
    </>
  );
}

function Process({ process, asOf }: { process: ProcessState; asOf: string }) {
  const say = useHealthWords();
  const isSilent = Date.parse(asOf) - Date.parse(process.heard_at) > SILENT_AFTER_MS;
  return (
    <Fact
      name={`process-${process.app}`}
      label={process.app}
      runbook={isSilent ? 'a-process-is-down' : undefined}
      isBad={isSilent}
    >
      {say('process.version', { version: process.version, commit: process.commit })},{' '}
      {isSilent ? say('process.silent') : say('process.heard')} <Ago at={process.heard_at} />, {say('process.started')}{' '}
      <Ago at={process.started_at} />
    </Fact>
  );
}

/** What is weak about the settings of the gateway that answered, in the words of its start. */
export function Weaknesses({ weaknesses }: { weaknesses: readonly string[] }) {
  const say = useHealthWords();
  return (
    <>
      <h2 className={styles.part}>{say('weak')}</h2>
      {weaknesses.length === 0 ? (
        <p className={styles.scope}>{say('weak.none')}</p>
      ) : (
        <ul className={styles.weak} data-testid="health-weaknesses">
          {weaknesses.map((one) => (
            // the gateway says these in English alone
            <li key={one} lang="en">
              {one}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
