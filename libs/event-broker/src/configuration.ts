import { parse } from 'yaml';
import { BrokerError } from './broker-error';
import type { EventBrokerOptions, ProcessingMode } from './broker-options';
import { LONGEST_TIMER_MS } from './duration';
import { EventBroker } from './event-broker';
import type { EventProvider } from './event-provider';
import { guarded } from './listeners';
import { DatabaseProvider } from './providers/database-provider';
import { MemoryProvider } from './providers/memory-provider';
import { RedisProvider } from './providers/redis-provider';
import { DEFAULT_RETRY_POLICY } from './retry-policy';

/** A configuration with every name and its default. */
export const EXAMPLE_YAML = `event_broker:
  enabled: true
  provider: memory # memory, redis or database
  mode: async # sync or async
  worker_count: 10
  buffer_size: 1000
  instance_id: "\${HOSTNAME}"
  redis:
    stream_name: "resolvespec:events"
    host: localhost
    port: 6379
  database:
    url: "\${DATABASE_URL}"
    table_name: events
    channel: resolvespec_events
  memory:
    max_events: 10000
    cleanup_interval: 5m
    max_age: 24h
  retry_policy:
    max_retries: 3
    initial_delay: 1s
    max_delay: 30s
    backoff_factor: 2.0
`;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The rest of a broker's options, which YAML cannot say. */
export type CodeOptions = Pick<
  EventBrokerOptions,
  'metrics' | 'upcasters' | 'onDeadLetter' | 'onTrouble' | 'handlerTimeoutMs'
>;

/**
 * Makes a broker, not yet started, from the section `event_broker` of a YAML text; undefined when it says `enabled:
 * false`. `${NAME}` is replaced from `env`. What is missing has the default of `EXAMPLE_YAML`; an unknown name or an
 * invalid value is `invalid_configuration`, all of them at once and without the values.
 *
 * `redis` needs the package `ioredis`, and `database` the package `pg`.
 */
export async function brokerFromYaml(
  text: string,
  env: Environment,
  code: CodeOptions = {},
): Promise<EventBroker | undefined> {
  return brokerFromConfig((parse(text) as { event_broker?: unknown } | null)?.event_broker ?? {}, env, code);
}

/** The same from an object, as a configuration service has it. */
export async function brokerFromConfig(
  section: unknown,
  env: Environment,
  code: CodeOptions = {},
): Promise<EventBroker | undefined> {
  const read = new Section('event_broker', section, env);
  const isEnabled = read.flag('enabled', true);
  const kind = read.oneOf('provider', ['memory', 'redis', 'database', 'nats'], 'memory');
  const retry = read.section('retry_policy');
  const options: EventBrokerOptions = {
    ...code,
    mode: read.oneOf<ProcessingMode>('mode', ['sync', 'async'], 'async'),
    workerCount: read.count('worker_count', 10),
    bufferSize: read.count('buffer_size', 1_000),
    instanceId: read.text('instance_id', undefined),
    retryPolicy: {
      maxRetries: retry.count('max_retries', DEFAULT_RETRY_POLICY.maxRetries, 0),
      initialDelayMs: retry.duration('initial_delay', DEFAULT_RETRY_POLICY.initialDelayMs),
      maxDelayMs: retry.duration('max_delay', DEFAULT_RETRY_POLICY.maxDelayMs),
      backoffFactor: retry.factor('backoff_factor', DEFAULT_RETRY_POLICY.backoffFactor),
    },
  };
  const memory = read.section('memory');
  const memoryOptions = {
    maxEvents: memory.count('max_events', 10_000),
    cleanupIntervalMs: memory.duration('cleanup_interval', 300_000),
    maxAgeMs: memory.duration('max_age', 86_400_000, Infinity), // no timer waits for it
  };
  const redis = read.section('redis');
  const redisOptions = {
    streamName: redis.text('stream_name', 'resolvespec:events')!,
    host: redis.host('host', 'localhost'),
    port: redis.count('port', 6379),
    password: redis.text('password', undefined),
  };
  const database = read.section('database');
  const databaseOptions = {
    url: database.text('url', undefined),
    table: database.text('table_name', 'events')!,
    channel: database.text('channel', 'resolvespec_events')!,
  };
  if (kind === 'nats') read.problems.push('event_broker.provider: nats is not there; choose memory, redis or database');
  if (kind === 'database' && !databaseOptions.url) read.problems.push('event_broker.database.url is missing');
  read.finish();
  if (!isEnabled) return undefined;

  if (kind === 'memory') return new EventBroker({ ...options, provider: new MemoryProvider(memoryOptions) });
  const onTrouble = guarded(code.onTrouble);
  if (kind === 'redis') {
    const { Redis } = await import('ioredis');
    const { host, port, password, streamName } = redisOptions;
    const client = new Redis({ host, port, password, lazyConnect: true });
    client.on('error', onTrouble);
    const provider = new RedisProvider({ client, streamName, onTrouble });
    return new EventBroker({ ...options, provider: closing(provider, async () => client.disconnect()) });
  }
  const { Pool } = await import('pg');
  const { url, table, channel } = databaseOptions;
  const pool = new Pool({ connectionString: url });
  pool.on('error', onTrouble);
  const provider = new DatabaseProvider({ pool, table, channel, onTrouble });
  return new EventBroker({ ...options, provider: closing(provider, () => pool.end()) });
}

/** The provider, which also closes the connections that were made for it here. */
function closing<Provider extends EventProvider>(provider: Provider, end: () => Promise<void>): Provider {
  const close = provider.close.bind(provider);
  let closed: Promise<void> | undefined;
  provider.close = () => (closed ??= close().then(end));
  return provider;
}

const UNITS_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads one section: it replaces variables, collects what is wrong, and finds the names that nothing has read. */
class Section {
  readonly problems: string[];
  private readonly unread: Set<string>;
  private readonly inner: Section[] = [];
  private readonly values: Record<string, unknown>;

  constructor(
    private readonly path: string,
    section: unknown,
    private readonly env: Environment,
    problems: string[] = [],
  ) {
    this.problems = problems;
    const isSection = typeof section === 'object' && section !== null && !Array.isArray(section);
    if (!isSection && section !== undefined && section !== null) problems.push(`${path} is no section`);
    this.values = isSection ? (section as Record<string, unknown>) : {};
    this.unread = new Set(Object.keys(this.values));
  }

  section(name: string): Section {
    const inner = new Section(`${this.path}.${name}`, this.take(name), this.env, this.problems);
    this.inner.push(inner);
    return inner;
  }

  text(name: string, otherwise: string | undefined): string | undefined {
    const value = this.take(name);
    if (value === undefined || value === null || value === '') return otherwise;
    return typeof value === 'string' || typeof value === 'number'
      ? String(value)
      : this.wrong(name, 'a text', otherwise);
  }

  /** The host of one server. Several, as those of a cluster, are refused. */
  host(name: string, otherwise: string): string {
    const isList = Array.isArray(this.values[name]);
    const host = isList ? String(this.take(name)) : this.text(name, otherwise)!;
    return isList || /[,\s]/.test(host)
      ? this.wrong(name, 'the host of one Redis: a Redis Cluster is not supported', otherwise)
      : host;
  }

  oneOf<Word extends string>(name: string, words: readonly Word[], otherwise: Word): Word {
    const value = this.text(name, otherwise);
    return words.find((word) => word === value) ?? this.wrong(name, `one of ${words.join(', ')}`, otherwise);
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.text(name, String(otherwise)) ?? this.values[name];
    return { true: true, false: false }[String(value)] ?? this.wrong(name, 'true or false', otherwise);
  }

  count(name: string, otherwise: number, least = 1): number {
    const value = Number(this.text(name, String(otherwise)));
    return Number.isSafeInteger(value) && value >= least
      ? value
      : this.wrong(name, `a whole number from ${least}`, otherwise);
  }

  factor(name: string, otherwise: number): number {
    const value = Number(this.text(name, String(otherwise)));
    return value >= 1 ? value : this.wrong(name, 'a number from 1', otherwise);
  }

  /** In milliseconds: `500ms`, `1s`, `5m`, `24h`. At most what a timer can wait, unless another bound is given. */
  duration(name: string, otherwise: number, most = LONGEST_TIMER_MS): number {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(this.text(name, `${otherwise}ms`) ?? '') ?? [];
    const ms = digits ? Number(digits) * UNITS_MS[unit!]! : NaN;
    const range = most === LONGEST_TIMER_MS ? 'from 1ms to 596h' : 'from 1ms';
    return ms >= 1 && ms <= most
      ? ms
      : this.wrong(name, `a duration such as 500ms, 1s, 5m or 24h, ${range}`, otherwise);
  }

  /** Throws when anything was wrong, here or in an inner section. */
  finish(): void {
    for (const section of [this, ...this.inner])
      for (const name of section.unread) this.problems.push(`${section.path}.${name} is no setting`);
    if (this.problems.length > 0) throw new BrokerError('invalid_configuration', `${this.problems.join('; ')}.`);
  }

  private take(name: string): unknown {
    this.unread.delete(name);
    const value = this.values[name];
    if (typeof value === 'boolean') return String(value);
    if (typeof value !== 'string') return value;
    return value.replaceAll(/\$\{(\w+)\}/g, (_, variable: string) => this.env[variable] ?? '');
  }

  private wrong<Value>(name: string, is: string, otherwise: Value): Value {
    this.problems.push(`${this.path}.${name} is ${is}`);
    return otherwise;
  }
}
