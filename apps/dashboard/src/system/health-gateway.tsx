import type { ClosedStream, SystemHealth } from '@tocsin/contracts/wire';
import { Ago } from '../words/clock';
import { useWords } from '../words/words';
import { Fact } from './fact';
import { useHealthWords } from './health-words';
import styles from './health.module.css';

/** From this share of a limit on, a gateway or a tenant counts as near it. */
const NEAR = 0.8;
const isNear = (streams: number, limit: number | null): boolean => limit !== null && streams >= NEAR * limit;

/** What the gateway that answered does: its streams, whose they are, how fast it is, and how they ended. */
export function Gateway({ health, nameOf }: { health: SystemHealth; nameOf(tenantId: string): string | null }) {
  const { intl } = useWords();
  const say = useHealthWords();
  const { streams, limits, delivery } = health;
  const number = (value: number) => intl.formatNumber(value);
  const ofLimit = (value: number, limit: number | null) =>
    limit === null ? number(value) : say('ofLimit', { value: number(value), limit: number(limit) });
  const nearTenants = health.busiest_tenants.filter((one) => isNear(one.streams, limits.tenant));
  return (
    <>
      <h2 className={styles.part}>{say('gateway')}</h2>
      <dl className={styles.facts} data-testid="health-gateway">
        <Fact name="clients" label={say('clients')} runbook="streams-are-refused" isBad={health.not_ready !== null}>
          {health.not_ready === null ? say('clients.taken') : say('clients.refused', { why: health.not_ready })}
        </Fact>
        <Fact
          name="streams"
          label={say('streams')}
          runbook="streams-are-refused"
          isBad={isNear(streams, limits.gateway)}
        >
          {say('streams.of', { streams: number(streams), tenants: health.tenants })}
          {limits.gateway !== null && `; ${say('streams.limit', { limit: number(limits.gateway) })}`}
        </Fact>
        <Fact
          name="busiest_tenants"
          label={say('tenants')}
          runbook="streams-are-refused"
          isBad={nearTenants.length > 0}
        >
          {health.busiest_tenants
            .map((one) => `${nameOf(one.tenant_id) ?? one.tenant_id} ${ofLimit(one.streams, limits.tenant)}`)
            .join(', ') || say('users.none')}
          {limits.tenant !== null && <span className={styles.scope}> {say('tenants.limit')}</span>}
        </Fact>
        <Fact name="users" label={say('users')}>
          {health.users.map((one) => `${one.user_id} ${number(one.streams)}`).join(', ') || say('users.none')}
        </Fact>
        <Fact name="delivery" label={say('delivery')} runbook="entries-are-late">
          {delivery
            ? say('delivery.of', {
                p50: number(Math.round(delivery.p50_ms)),
                p99: number(Math.round(delivery.p99_ms)),
                samples: delivery.samples,
                minutes: delivery.window_seconds / 60,
              })
            : say('delivery.none')}
        </Fact>
        <Fact name="closed_slow" label={say('slow')} runbook="slow-clients">
          {number(health.closed_slow)}
        </Fact>
        <Fact name="closed" label={say('closed', { count: health.closed.length })}>
          {reasonsOf(health.closed)
            .map(([reason, times]) => `${reason} ${number(times)}`)
            .join(', ') || say('closed.none')}
          {health.closed[0] && (
            <>
              ; {say('closed.last')} <Ago at={health.closed[0].at} />
            </>
          )}
        </Fact>
        <Fact name="last_entry_at" label={say('last')}>
          {health.last_entry_at ? <Ago at={health.last_entry_at} /> : say('last.none')}
        </Fact>
        <Fact name="version" label={say('version')}>
          {health.version}
        </Fact>
        <Fact name="started_at" label={say('started')}>
          <Ago at={health.started_at} />
        </Fact>
      </dl>
    </>
  );
}

/** How often each reason stands among the closed streams, the most frequent first. */
function reasonsOf(closed: readonly ClosedStream[]): [reason: string, times: number][] {
  const times = new Map<string, number>();
  for (const { reason } of closed) times.set(reason, (times.get(reason) ?? 0) + 1);
  return [...times].sort((a, b) => b[1] - a[1]);
}
