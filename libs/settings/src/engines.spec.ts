import { busSettings, engineProblems, queueSettings } from './engines';
import { readSettings } from './settings';

const shape = { ...queueSettings, ...busSettings };
const read = (environment: Record<string, string>) => readSettings(shape, environment);

describe('the choice of services', () => {
  it('is RabbitMQ and Redis by default, and both need an address', () => {
    const chosen = read({});
    expect(chosen).toMatchObject({ QUEUE: 'rabbitmq', BUS: 'redis' });
    expect(engineProblems(chosen)).toEqual([
      'RABBITMQ_URL is required, unless QUEUE is nats, redis or postgres.',
      'REDIS_URL is required, unless BUS is nats or postgres.',
    ]);
    expect(engineProblems({ ...chosen, RABBITMQ_URL: 'amqp://q', REDIS_URL: 'redis://r' })).toEqual([]);
  });

  it('needs neither with PostgreSQL alone, but a session of its own behind a pooler', () => {
    const alone = read({ QUEUE: 'postgres', BUS: 'postgres' });
    expect(engineProblems({ ...alone, DB_POOLER: false })).toEqual([]);
    expect(engineProblems({ ...alone, DB_POOLER: true })).toEqual([
      'DATABASE_LISTEN_URL is required with DB_POOLER: a pooler lends no session that could listen.',
    ]);
    expect(engineProblems({ ...alone, DB_POOLER: true, DATABASE_LISTEN_URL: 'postgresql://db' })).toEqual([]);
  });

  it('needs Redis for its queue, whatever the bus is', () => {
    const queueInRedis = read({ QUEUE: 'redis', BUS: 'postgres' });
    expect(engineProblems(queueInRedis)).toEqual(['REDIS_URL is required when QUEUE is redis.']);
    expect(engineProblems({ ...queueInRedis, REDIS_URL: 'redis://r' })).toEqual([]);
    expect(engineProblems(read({ QUEUE: 'redis' }))).toEqual([
      'REDIS_URL is required, unless BUS is nats or postgres.',
    ]);
  });

  it.each([
    { QUEUE: 'nats', BUS: 'postgres' },
    { QUEUE: 'postgres', BUS: 'nats' },
    { QUEUE: 'nats', BUS: 'nats' },
  ])('needs NATS with %j, and neither RabbitMQ nor Redis', (engines) => {
    const inNats = read(engines);
    expect(engineProblems(inNats)).toEqual(['NATS_URL is required when QUEUE or BUS is nats.']);
    expect(engineProblems({ ...inNats, NATS_URL: 'nats://n' })).toEqual([]);
  });

  it('asks nothing of an app that has no queue', () => {
    expect(engineProblems({ BUS: 'postgres' })).toEqual([]);
  });

  it('refuses another name', () => {
    expect(() => read({ QUEUE: 'kafka' })).toThrow(
      'QUEUE is not valid: one of rabbitmq, nats, redis, postgres is needed',
    );
  });
});
