import { weakAuthSettings } from '@tocsin/auth';
import type { StartReport } from '@tocsin/observability';
import type { GatewayConfig } from './config';

type Reported = GatewayConfig &
  Parameters<typeof weakAuthSettings>[0] & {
    QUEUE?: 'rabbitmq' | 'nats' | 'redis' | 'postgres';
    BUS?: 'redis' | 'nats' | 'postgres';
    REDIS_PLAIN?: 'off' | 'publish' | 'bridge' | 'both';
  };

/** Limits that keep one client from taking everything. */
const LIMITS = [
  'STREAMS_PER_USER',
  'STREAMS_PER_TENANT',
  'STREAMS_PER_ADDRESS',
  'CONNECTS_PER_SECOND',
  'MAX_STREAMS',
] as const;

const REQUEST_LIMITS = ['REQUESTS_PER_USER', 'REQUESTS_PER_TOKEN', 'REQUESTS_PER_ADDRESS'] as const;

/** What a gateway with these settings offers, and what is weak about it. */
export function gatewayReport(config: Reported): StartReport {
  const limitsRequests = REQUEST_LIMITS.some((limit) => config[limit] > 0);
  const unlimited = LIMITS.filter((limit) => config[limit] === 0);
  return {
    enabled: [
      'streams',
      'resume',
      'filters',
      'tokens in the header',
      'tickets',
      ...(config.OIDC_ISSUER ? ['sign-in by OpenID Connect'] : []),
      ...(config.STREAM_QUERY_TOKEN ? ['tokens in the address'] : []),
      'publishing over HTTP',
      ...(config.PAGE ? ['page'] : []),
      ...(config.CORS_ORIGINS.length > 0 ? ['CORS'] : []),
      ...(config.STREAM_GZIP ? ['gzip'] : []),
      ...(config.PROXY_ROUTES.length > 0 ? ['routes to other services'] : []),
      ...(config.TENANT_SERVICE_URL ? ['tenant service'] : []),
      ...(unlimited.length < LIMITS.length ? ['limits of streams'] : []),
      ...(limitsRequests ? ['limits of requests'] : []),
      ...(config.QUEUE === 'nats' ? ['queue in NATS'] : []),
      ...(config.QUEUE === 'redis' ? ['queue in Redis'] : []),
      ...(config.QUEUE === 'postgres' ? ['queue in PostgreSQL, for publishing over HTTP only'] : []),
      ...(config.BUS === 'nats' ? ['bus in NATS'] : []),
      ...(config.BUS === 'postgres' ? ['bus in PostgreSQL'] : []),
      ...(config.REDIS_PLAIN === 'publish' || config.REDIS_PLAIN === 'both' ? ['plain messages in Redis'] : []),
      'row-level security',
      'health',
      'metrics',
    ],
    warnings: [
      ...(config.STREAM_QUERY_TOKEN
        ? ['tokens in the address end up in logs: set STREAM_QUERY_TOKEN to deny outside of a trial']
        : []),
      ...(config.CORS_ORIGINS.includes('*') ? ['CORS_ORIGINS=* lets every page call'] : []),
      ...(unlimited.length > 0 ? [`${unlimited.join(', ')} is 0: nothing limits the streams of one client there`] : []),
      ...(limitsRequests ? [] : [`${REQUEST_LIMITS.join(', ')} are 0: nothing limits the requests of one client`]),
      ...weakAuthSettings(config),
    ],
  };
}
