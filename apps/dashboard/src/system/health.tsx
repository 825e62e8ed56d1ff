import { Ago } from '../words/clock';
import { Gateway } from './health-gateway';
import { Processes, Weaknesses } from './health-processes';
import { Service } from './health-service';
import { Waiting } from './health-waiting';
import { useHealthWords } from './health-words';
import styles from './health.module.css';
import page from './refused.module.css';
import { useHealth } from './use-health';

/** What an operator needs to see first: what is away and what that means, and what waits. */
export default function Health({ onRefused, nameOf }: { onRefused(): void; nameOf(tenantId: string): string | null }) {
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
          <Gateway health={health} nameOf={nameOf} />
          <Processes health={health} />
          <Weaknesses weaknesses={health.weaknesses} />
        </div>
      )}
    </section>
  );
}
