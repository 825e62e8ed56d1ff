import { redact } from '@tocsin/observability';
import { loadConfig } from './config';
import { gatewayReport } from './start-report';

const SOUND = {
  REDIS_URL: 'redis://r',
  RABBITMQ_URL: 'amqp://q',
  JWT_SECRET: 's'.repeat(32),
  JWT_ISSUER: 'https://id.example.com/',
  JWT_AUDIENCE: 'tocsin',
  STREAM_QUERY_TOKEN: 'deny',
  REQUESTS_PER_USER: '6000',
};
const reportOf = (environment: Record<string, string>) => gatewayReport(loadConfig({ ...SOUND, ...environment }));

test('a sound configuration has no warning', () => {
  expect(reportOf({}).warnings).toEqual([]);
  expect(reportOf({}).enabled).not.toContain('tokens in the address');
});

test.each([
  [{ STREAM_QUERY_TOKEN: 'allow' }, /^tokens in the address .*set STREAM_QUERY_TOKEN to deny/],
  [{ CORS_ORIGINS: '*' }, /^CORS_ORIGINS=\*/],
  [{ STREAMS_PER_USER: '0', CONNECTS_PER_SECOND: '0' }, /^STREAMS_PER_USER, CONNECTS_PER_SECOND is 0/],
  [{ REQUESTS_PER_USER: '0' }, /^REQUESTS_PER_USER, REQUESTS_PER_TOKEN, REQUESTS_PER_ADDRESS are 0/],
  [{ JWT_ISSUER: '' }, /^JWT_ISSUER is unset/],
  [{ JWT_AUDIENCE: '' }, /^JWT_AUDIENCE is unset/],
])('%j is warned of', (environment, warning) => {
  expect(reportOf(environment as Record<string, string>).warnings).toEqual([expect.stringMatching(warning)]);
});

test('no word of it looks like a secret to the log', () => {
  const { enabled, warnings } = reportOf({ STREAM_QUERY_TOKEN: 'allow', CORS_ORIGINS: '*' });
  for (const words of [...enabled, ...warnings]) expect(redact(words)).toBe(words);
});

test('what is switched on is named', () => {
  const { enabled } = reportOf({
    STREAM_QUERY_TOKEN: 'allow',
    CORS_ORIGINS: 'http://localhost:3000',
    STREAM_GZIP: 'on',
  });
  expect(enabled).toEqual(
    expect.arrayContaining(['tokens in the address', 'CORS', 'gzip', 'page', 'limits of requests']),
  );
  expect(reportOf({ PAGE: 'off' }).enabled).not.toContain('page');
  expect(reportOf({ REDIS_PLAIN: 'publish' }).enabled).toContain('plain messages in Redis');
  const alone = { QUEUE: 'postgres', BUS: 'postgres', RABBITMQ_URL: '', REDIS_URL: '' };
  expect(reportOf(alone).enabled).toEqual(
    expect.arrayContaining(['queue in PostgreSQL, for publishing over HTTP only', 'bus in PostgreSQL']),
  );
  const inNats = { QUEUE: 'nats', BUS: 'nats', NATS_URL: 'nats://n', RABBITMQ_URL: '', REDIS_URL: '' };
  expect(reportOf(inNats).enabled).toEqual(expect.arrayContaining(['queue in NATS', 'bus in NATS']));
});
