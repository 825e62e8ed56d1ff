import type { StartReport } from '@tocsin/observability';

interface Reported {
  FOLD_WINDOW: number;
  DELIVERIES: boolean;
  RETENTION_DAYS: number;
  QUEUE: 'rabbitmq' | 'nats' | 'redis' | 'postgres';
  BUS: 'redis' | 'postgres';
  REDIS_PLAIN: 'off' | 'publish';
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
    ...(BUS === 'postgres' ? ['bus in PostgreSQL'] : []),
    ...(REDIS_PLAIN === 'publish' ? ['plain messages in Redis'] : []),
    'dead letters',
    ...(FOLD_WINDOW > 0 ? ['folding of floods'] : []),
    ...(DELIVERIES ? ['deliveries'] : []),
    ...(RETENTION_DAYS > 0 ? [`retention of ${RETENTION_DAYS} days`] : []),
  ],
  warnings: [
    ...(REDIS_PLAIN === 'publish'
      ? ['REDIS_PLAIN=publish: each program that may subscribe in Redis reads the alerts of all tenants']
      : []),
    ...(FOLD_WINDOW > 0 ? [] : ['FOLD_WINDOW=0: each message of a flood is stored as an entry']),
    ...(DELIVERIES ? [] : ['DELIVERIES=off: no mail, SMS, WhatsApp, webhook or push message is planned']),
    ...(RETENTION_DAYS > 0 ? [] : ['RETENTION_DAYS=0: entries are never deleted, and the database grows']),
  ],
});
