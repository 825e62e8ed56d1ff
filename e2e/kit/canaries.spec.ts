import { secretSettings } from '../../scripts/manifests/secret-settings';
import { Canaries, isSecretName, Leak } from './canaries';
import { tokenFor } from './tokens';

it.each(['gateway', 'alert-processor', 'notifier', 'standalone', 'cli'])(
  'every secret setting of %s has a name by which its value is known as a secret',
  async (app) => {
    const names = await secretSettings(app);
    expect(names).not.toEqual([]);
    expect(names.filter((name) => !isSecretName(name))).toEqual([]);
  },
);

describe('the secrets of a process', () => {
  const canaries = new Canaries();
  canaries.note({
    JWT_SECRET: 'canary-jwt-secret',
    TICKET_SECRET_PREVIOUS: 'canary.ticket+secret',
    REDIS_URL: 'redis://u:canary%40redis-password@h:1/2',
    RABBITMQ_URL: 'amqp://guest:guest@h,amqp://u:canary-rabbit-two@h',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=canary-header-value',
    TENANT_SERVICE_TOKEN: '',
    VAPID_PUBLIC_KEY: 'a-public-key-of-the-pair',
    LOG_LEVEL: 'a-value-that-is-no-secret',
  });
  const hex = (text: string) => Buffer.from(text).toString('hex');

  it.each([
    ['JWT_SECRET', 'a canary-jwt-secret b'],
    ['TICKET_SECRET_PREVIOUS', '"canary.ticket+secret"'],
    ['REDIS_URL', 'canary@redis-password'],
    ['RABBITMQ_URL', 'canary-rabbit-two'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'canary-header-value'],
    ['token', `?token=${tokenFor('ana')}`],
    ['token', 'whsec_0123456789abcdefghijklmn'],
  ])('are found in a text: %s', (what, text) => {
    expect(() => canaries.expectNoneIn(text, 'a log')).toThrow(Leak);
    expect(() => canaries.expectNoneIn(text, 'a log')).toThrow(what);
    // and the report does not repeat it
    expect(() => canaries.expectNoneIn(text, 'a log')).not.toThrow(text.slice(1, -1));
    expect(text).toMatch(new RegExp(canaries.pattern));
    expect(hex(text)).toMatch(new RegExp(canaries.pattern));
  });

  it.each([
    'amqp://guest:guest@h',
    'a-public-key-of-the-pair',
    'a-value-that-is-no-secret',
    'eyJhbGciOiJIUzI1NiJ9',
    hex('no secret at all, and a long text to be sure of it'),
  ])('are not seen where they are not: %s', (text) => {
    canaries.expectNoneIn(text, 'a log');
    expect(text).not.toMatch(new RegExp(canaries.pattern));
  });
});
