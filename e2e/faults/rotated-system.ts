import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { eventually } from '@tocsin/contracts/testing';
import { PlainAmqp } from '../kit/plain-amqp';
import type { AppProcess, Environment } from '../kit/processes';
import { Stack } from '../kit/stack';
import { JWT_SECRET } from '../kit/tokens';
import { PrivateRabbit } from './private-rabbitmq';
import { PrivateRedis } from './private-services';

export type Rolled = 'alert-processor' | 'gateway' | 'notifier';
export const ALL: readonly Rolled[] = ['alert-processor', 'gateway', 'notifier'];
const ROLES: Record<Rolled, string> = {
  'alert-processor': 'tocsin_processor',
  gateway: 'tocsin_gateway',
  notifier: 'tocsin_notifier',
};
const REDIS_USER = 'tocsin';

/** Is called while an old and a new gateway serve. */
export type Between = (fresh: AppProcess, old: AppProcess) => Promise<void>;

/**
 * A system whose secrets are rotated: two gateways, a processor and a notifier, on a RabbitMQ and a Redis of the test's
 * own, whose users it may make.
 */
export class RotatedSystem {
  /** Every secret that a process has had. */
  readonly secrets: string[] = [JWT_SECRET];
  /** The settings that all processes have now. */
  readonly settings: Record<string, string> = { JWT_SECRET, TICKET_SECRET: this.secret('ticket') };
  amqp!: PlainAmqp;
  /** How many processes were replaced. */
  replaced = 0;
  private readonly suffix = randomBytes(4).toString('hex');
  private logins: string[] = [];

  private constructor(
    readonly stack: Stack,
    readonly rabbit: PrivateRabbit,
    private readonly redis: PrivateRedis,
  ) {}

  static async open(tenants: Record<string, readonly string[]>): Promise<RotatedSystem> {
    const stack = await Stack.open({ tenants, gateways: 0, processors: 0 });
    const system = new RotatedSystem(stack, await PrivateRabbit.start(), await PrivateRedis.start());
    system.amqp = await PlainAmqp.connect(system.rabbit.url, stack.prefix);
    await system.amqp.declareExchange();
    await system.addLogins('first');
    Object.assign(system.settings, {
      RABBITMQ_URL: await system.addRabbitUser('first'),
      REDIS_URL: await system.addRedisPassword('first'),
    });
    for (const app of [...ALL, 'gateway'] as const) await system.start(app);
    return system;
  }

  /** A new secret, which no log may have in it. */
  secret(name: string): string {
    const made = `canary-${name}-${randomBytes(16).toString('hex')}`;
    this.secrets.push(made);
    return made;
  }

  /**
   * Changes settings and replaces the processes of these apps by ones that have them, one after the other. Clients know
   * a gateway until it answers `/readyz` with 503, as behind a load balancer.
   */
  async roll(apps: readonly Rolled[], settings: Environment, between?: Between): Promise<void> {
    Object.assign(this.settings, settings);
    for (const app of apps) {
      const running = this.processes(app);
      for (const [at, process] of [...running].entries()) {
        const ended = process.stop();
        await eventually(async () => {
          const answer = await fetch(`${process.adminUrl}/readyz`).catch(() => undefined);
          if (answer?.status === 200) throw new Error(`${process.describe()} is still ready`);
        });
        running.splice(running.indexOf(process), 1);
        await ended;
        const fresh = await this.start(app);
        this.replaced += 1;
        if (app === 'gateway' && at === 0) await between?.(fresh, running[0]!);
      }
    }
  }

  /** Makes a login for each app, which the processes use from their next start on. */
  async addLogins(name: string): Promise<void> {
    this.logins = ALL.map((app) => `rotated_${name}_${ROLES[app]}_${this.suffix}`);
    for (const [at, app] of ALL.entries())
      await this.stack.sql(
        `create role ${this.logins[at]} login noinherit password '${this.secret('database')}' in role ${ROLES[app]}`,
      );
  }

  /** Fails when a process still uses a login of another name, and removes those. */
  async dropLoginsBut(name: string): Promise<void> {
    const others = `rolname like 'rotated\\_%\\_${this.suffix}' and rolname not like 'rotated\\_${name}\\_%'`;
    // the server notices the end of a process a little later than its parent
    await eventually(async () => {
      const used = await this.stack.sql(
        `select usename from pg_stat_activity where usename in (select rolname from pg_roles where ${others})`,
      );
      expect(used).toEqual([]);
    });
    for (const { rolname } of await this.stack.sql<{ rolname: string }>(`select rolname from pg_roles where ${others}`))
      await this.stack.sql(`drop role ${rolname}`);
  }

  addRabbitUser(name: string): Promise<string> {
    return this.rabbit.addUser(name, this.secret('rabbitmq'));
  }

  /** Adds a password beside the ones that the user has. */
  async addRedisPassword(name: string): Promise<string> {
    const password = this.secret(`redis-${name}`);
    await this.onRedis((redis) => redis.call('ACL', 'SETUSER', REDIS_USER, 'on', '~*', '&*', '+@all', `>${password}`));
    return this.redis.url.replace('//', `//${REDIS_USER}:${password}@`);
  }

  /** Takes the password of an address away, and ends every connection of the user, so that all log in anew. */
  async removeRedisPassword(url: string): Promise<void> {
    await this.onRedis(async (redis) => {
      await redis.call('ACL', 'SETUSER', REDIS_USER, `<${new URL(url).password}`);
      await redis.call('CLIENT', 'KILL', 'USER', REDIS_USER);
    });
  }

  async close(): Promise<void> {
    await this.amqp?.close().catch(() => undefined);
    try {
      // before the database goes, which their processes use
      await this.stack.processes.close();
      await this.dropLoginsBut('none');
    } finally {
      await this.stack.close();
      await Promise.all([this.rabbit.remove(), this.redis.remove()]);
    }
  }

  private processes(app: Rolled): AppProcess[] {
    const { processors, gateways, notifiers } = this.stack;
    return { 'alert-processor': processors, gateway: gateways, notifier: notifiers }[app];
  }

  private start(app: Rolled): Promise<AppProcess> {
    const { stack } = this;
    const url = new URL(stack.database.url);
    url.username = this.logins[ALL.indexOf(app)]!;
    const environment = { ...this.settings, DATABASE_URL: url.toString() };
    if (app === 'gateway') return stack.startGateway(environment);
    return app === 'notifier' ? stack.startNotifier(environment) : stack.startProcessor(environment);
  }

  private async onRedis(act: (redis: Redis) => Promise<unknown>): Promise<void> {
    const redis = new Redis(this.redis.url);
    try {
      await act(redis);
    } finally {
      redis.disconnect();
    }
  }
}
