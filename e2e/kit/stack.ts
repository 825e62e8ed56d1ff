import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import { eventually } from '@tocsin/contracts/testing';
import { within } from '@tocsin/timing';
import { freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import type { StoredRow } from './ledger';
import { Leak } from './canaries';
import { PlainAmqp } from './plain-amqp';
import { Processes, type AppProcess, type Environment, type Program } from './processes';
import { searchKeys, searchMetrics, searchTables } from './search-stores';
import { SseStream, type OpenOptions } from './sse-client';
import { TenantService, type KnownTenant } from './tenant-service';
import { JWT_SECRET, tokenFor } from './tokens';

/** A credential of the tenant service. As with every secret of these tests, the logs are searched for it. */
export const TENANT_SERVICE_TOKEN = 'canary-tenant-service-token';

/** For the search of a store that does not answer any more. */
const SEARCH_WITHIN_MS = 2_000;

export interface StackOptions {
  /** The tenants of each user. */
  tenants?: Record<string, readonly (string | KnownTenant)[]>;
  /** Default 1 each. */
  gateways?: number;
  processors?: number;
  gatewayEnvironment?: Environment;
  processorEnvironment?: Environment;
  /** Whether the database is migrated by this version. Default true. */
  migrated?: boolean;
}

function urlOf(variable: 'REDIS_URL' | 'RABBITMQ_URL'): string {
  const url = process.env[variable];
  if (!url)
    throw new Error(`This test needs real services: set ${variable} (infrastructure/local/services.sh up, then env).`);
  return url;
}

/**
 * The whole system for one test file: real processes on the real services, with a database, queues and a key prefix of
 * their own, and a tenant service. `close` removes all of it, and fails when a secret or a token stands in a log, a
 * metric, a table or a key.
 */
export class Stack {
  readonly gateways: AppProcess[] = [];
  readonly processors: AppProcess[] = [];
  readonly notifiers: AppProcess[] = [];
  readonly processes = new Processes();
  /** The prefix of every exchange, queue, key and subject. */
  readonly prefix = `e2e-${randomBytes(5).toString('hex')}.`;

  private constructor(
    private readonly options: StackOptions,
    readonly database: FreshDatabase,
    private readonly pool: Pool,
    readonly tenantService: TenantService,
    readonly redis: Redis,
  ) {}

  /** The connection with which a foreign service publishes. */
  amqp!: PlainAmqp;

  static async open(options: StackOptions = {}): Promise<Stack> {
    const database = await freshDatabase({ migrated: options.migrated });
    // one connection, on which the statements of a test wait for each other
    const pool = new Pool({ connectionString: database.url, max: 1, idleTimeoutMillis: 0 });
    pool.on('error', () => undefined);
    const stack = new Stack(
      options,
      database,
      pool,
      await TenantService.start(options.tenants),
      new Redis(urlOf('REDIS_URL')),
    );
    stack.amqp = await PlainAmqp.connect(urlOf('RABBITMQ_URL'), stack.prefix);
    try {
      await stack.amqp.declareExchange();
      await Promise.all([
        ...Array.from({ length: options.processors ?? 1 }, () => stack.startProcessor()),
        ...Array.from({ length: options.gateways ?? 1 }, () => stack.startGateway()),
      ]);
    } catch (error) {
      await stack.close().catch(() => undefined);
      throw error;
    }
    return stack;
  }

  /** The configuration of this stack's apps. */
  get environment(): Environment {
    return {
      ADMIN_PORT: '0',
      DATABASE_URL: this.database.url,
      REDIS_URL: urlOf('REDIS_URL'),
      REDIS_PREFIX: this.prefix,
      RABBITMQ_URL: urlOf('RABBITMQ_URL'),
      RABBITMQ_PREFIX: this.prefix,
    };
  }

  get gatewayEnvironment(): Environment {
    return {
      ...this.environment,
      PORT: '0',
      // connections that a failed test left open must not delay its end
      DRAIN_MS: '300',
      // these tests use few users and one address for many streams; a test of the caps sets its own
      STREAMS_PER_USER: '0',
      STREAMS_PER_TENANT: '0',
      STREAMS_PER_ADDRESS: '0',
      CONNECTS_PER_SECOND: '0',
      JWT_SECRET,
      TENANT_SERVICE_URL: this.tenantService.url,
      TENANT_SERVICE_TOKEN,
      ...this.options.gatewayEnvironment,
    };
  }

  async startGateway(environment: Environment = {}, program: Program = {}): Promise<AppProcess> {
    const gateway = await this.processes.start('gateway', { ...this.gatewayEnvironment, ...environment }, program);
    this.gateways.push(gateway);
    return gateway;
  }

  async startProcessor(environment: Environment = {}, program: Program = {}): Promise<AppProcess> {
    const processor = await this.processes.start(
      'alert-processor',
      { ...this.environment, ...this.options.processorEnvironment, ...environment },
      program,
    );
    this.processors.push(processor);
    return processor;
  }

  async startNotifier(environment: Environment = {}, program: Program = {}): Promise<AppProcess> {
    const notifier = await this.processes.start('notifier', { ...this.environment, ...environment }, program);
    this.notifiers.push(notifier);
    return notifier;
  }

  get gateway(): AppProcess {
    return this.gateways[0]!;
  }

  /** The address of the event stream. */
  eventsUrl(gateway: AppProcess = this.gateway): string {
    return `${gateway.url}/api/events`;
  }

  /** A user's stream, after it has received `connection`. */
  async watch(user: string, options: OpenOptions & { gateway?: AppProcess } = {}): Promise<SseStream> {
    const { gateway, headers, ...rest } = options;
    const stream = await SseStream.open(this.eventsUrl(gateway), {
      headers: { Authorization: `Bearer ${tokenFor(user)}`, ...headers },
      ...rest,
    });
    await stream.frame('connection');
    return stream;
  }

  /** Runs SQL as the owner of the database, to whom the apps' restrictions do not apply. */
  async sql<R extends object>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    const { rows } = await this.pool.query<R>(text, [...values]);
    return rows;
  }

  /** The complete event log of all tenants. */
  async rows(): Promise<StoredRow[]> {
    return this.sql<StoredRow>(
      `select e.tenant_id, e.seq::int as seq, s.epoch, e.fp, e.service, e.event_id, (e.actor is not null or e.change = 'unsnoozed') as is_act
       from tocsin.event e join tocsin.tenant_stream s using (tenant_id) order by e.tenant_id, e.seq`,
    );
  }

  /** Resolves once no message waits in a queue and at least `count` entries are stored. */
  async stored(count: number, timeoutMs = 20_000): Promise<void> {
    await eventually(async () => {
      const [{ stored } = { stored: 0 }] = await this.sql<{ stored: number }>(
        'select count(*)::int as stored from tocsin.event',
      );
      const depth = await this.amqp.depth();
      if (stored < count || depth > 0) throw new Error(`${stored} of ${count} stored, ${depth} waiting`);
    }, timeoutMs);
  }

  async close(): Promise<void> {
    const leak = await this.search();
    const outcomes: PromiseSettledResult<unknown>[] = await Promise.allSettled([
      this.processes.close(),
      this.tenantService.close(),
      this.pool.end(),
    ]);
    this.redis.disconnect();
    outcomes.push(...(await Promise.allSettled([this.amqp?.close(), this.database.drop()])));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    if (leak) throw leak;
  }

  /** The first secret or token that stands where none may. A store that a test has broken is not searched. */
  async search(): Promise<Leak | undefined> {
    const { canaries, all } = this.processes;
    const searches = [
      ...all.map((process) => searchMetrics(process, canaries)),
      searchTables((text, values) => this.sql(text, values), canaries),
      searchKeys(this.redis, this.prefix, canaries),
    ];
    const outcomes = await Promise.allSettled(
      searches.map((search) => within(SEARCH_WITHIN_MS, search, () => undefined)),
    );
    return outcomes
      .map((outcome): unknown => (outcome.status === 'rejected' ? outcome.reason : undefined))
      .find((reason) => reason instanceof Leak);
  }
}
