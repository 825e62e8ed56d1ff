import type { StartReport } from '@tocsin/observability';

interface Reported {
  FOLD_WINDOW: number;
  DELIVERIES: boolean;
  RETENTION_DAYS: number;
  QUEUE: 'rabbitmq' | 'nats' | 'redis' | 'postgres';
  BUS: 'redis' | 'nats' | 'postgres';
  REDIS_PLAIN: 'off' | 'publish' | 'bridge' | 'both';
}

/** What is done for programs that know nothing of Tocsin, and what is not promised to them. */
export function plainReport(plain: Reported['REDIS_PLAIN']): StartReport {
  const [publishes, bridges] = [plain === 'publish' || plain === 'both', plain === 'bridge' || plain === 'both'];
  return {
    enabled: [
      ...(publishes ? ['plain messages in Redis'] : []),
      ...(bridges ? ['bridge from plain messages in Redis'] : []),
    ],
    warnings: [
      ...(publishes
        ? [`REDIS_PLAIN=${plain}: each program that may subscribe in Redis reads the alerts of all tenants`]
        : []),
      ...(bridges
        ? [
            `REDIS_PLAIN=${plain}: a plain message becomes an alert at most once. It is lost when no processor takes it, ` +
              'or when that processor ends before the queue has it',
            `REDIS_PLAIN=${plain}: each program that may publish in Redis can raise alerts of any tenant`,
          ]
        : []),
    ],
  };
}

/** What a processor with these settings does beside storing, and what an operator may not have meant. */
export const processorReport = ({
  FOLD_WINDOW,
  DELIVERIES,
  RETENTION_DAYS,
  QUEUE,
  BUS,
  REDIS_PLAIN,
}: Reported): StartReport => ({
  enabled: [
    'storing',
    ...(QUEUE === 'nats' ? ['queue in NATS'] : []),
    ...(QUEUE === 'redis' ? ['queue in Redis'] : []),
    ...(QUEUE === 'postgres' ? ['queue in PostgreSQL, one processor at a time'] : []),
    ...(BUS === 'nats' ? ['bus in NATS'] : []),
    ...(BUS === 'postgres' ? ['bus in PostgreSQL'] : []),
    ...plainReport(REDIS_PLAIN).enabled,
    'dead letters',
    ...(FOLD_WINDOW > 0 ? ['folding of floods'] : []),
    ...(DELIVERIES ? ['deliveries'] : []),
    ...(RETENTION_DAYS > 0 ? [`retention of ${RETENTION_DAYS} days`] : []),
  ],
  warnings: [
    ...plainReport(REDIS_PLAIN).warnings,
    ...(FOLD_WINDOW > 0 ? [] : ['FOLD_WINDOW=0: each message of a flood is stored as an entry']),
    ...(DELIVERIES ? [] : ['DELIVERIES=off: no mail, SMS, WhatsApp, webhook or push message is planned']),
    ...(RETENTION_DAYS > 0 ? [] : ['RETENTION_DAYS=0: entries are never deleted, and the database grows']),
  ],
});
