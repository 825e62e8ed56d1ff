// One engine's complete system: a database, a gateway and a processor of its own, published to over HTTP.
import { createHmac, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { start, stop } from '../stream/processes.mjs';

const require = createRequire(import.meta.url);
const { Client } = require('pg');

const CORES = '0,1';
const SECRET = randomBytes(32).toString('hex');
const BATCH = 200;
const PUBLISHERS = 4;
const LOOK_MS = 20;
const DRAIN_WITHIN_MS = 120_000;
const EVENT_ID = /"event_id":"a(\d+)"/g;
const LIMITS_OFF = {
  STREAMS_PER_USER: '0',
  STREAMS_PER_TENANT: '0',
  STREAMS_PER_ADDRESS: '0',
  CONNECTS_PER_SECOND: '0',
  DRAIN_MS: '0',
};

export class EngineSite {
  next = 0;
  sentAt = new Map();
  latencies = [];
  agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(engine, { services, dist, folder, tenants }) {
    Object.assign(this, { engine, services, dist, folder, tenants });
    this.database = `tocsin_bench_${randomBytes(5).toString('hex')}`;
    this.databaseUrl = Object.assign(new URL(services.DATABASE_URL), { pathname: `/${this.database}` }).toString();
    const prefix = `bench-${randomBytes(5).toString('hex')}.`;
    this.environment = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TZ: 'UTC',
      NODE_ENV: 'production',
      ADMIN_PORT: '0',
      DATABASE_URL: this.databaseUrl,
      REDIS_PREFIX: prefix,
      RABBITMQ_PREFIX: prefix,
      REDIS_QUEUE_LIMIT: '1000000',
      NATS_QUEUE_LIMIT: '1000000',
      NATS_PREFIX: prefix.replace('.', '-'),
      ...engine.environment,
    };
  }

  async open() {
    await this.onServer(`create database ${this.database} template template0`);
    await require(join(this.dist, 'libs/postgres/src/index.js')).migrate({ connection: { url: this.databaseUrl } });
    this.sql = new Client({ connectionString: this.databaseUrl });
    await this.sql.connect();
    const { child, ready } = await start({
      args: [join(this.dist, 'apps/gateway/src/main.js')],
      env: { ...this.environment, PORT: '0', JWT_SECRET: SECRET, JWT_TENANTS_CLAIM: 'tenants', ...LIMITS_OFF },
      core: CORES,
      logFile: join(this.folder, `${this.engine.name}-gateway.log`),
      until: (line) => (line.includes('"listening"') ? JSON.parse(line) : undefined),
    });
    this.gateway = child;
    this.port = (await ready).port;
    // the processor declares what its engine needs before the first message is published
    await this.startProcessor();
    await this.stopProcessor();
  }

  async startProcessor() {
    const { child, ready } = await start({
      args: [join(this.dist, 'apps/alert-processor/src/main.js')],
      env: this.environment,
      core: CORES,
      logFile: join(this.folder, `${this.engine.name}-processor.log`),
      until: (line) => (line.includes('"consuming"') ? true : undefined),
    });
    this.processor = child;
    await ready;
  }

  async stopProcessor() {
    await stop(this.processor);
    this.processor = undefined;
  }

  /** Publishes a backlog and times the processor that drains it, from the first stored message to the last. */
  async drain(count) {
    const before = await this.stored();
    const until = this.next + count;
    const publishing = performance.now();
    const publisher = async () => {
      while (this.next < until) await this.publish(Math.min(BATCH, until - this.next));
    };
    await Promise.all(Array.from({ length: PUBLISHERS }, publisher));
    const published = count / ((performance.now() - publishing) / 1000);
    await this.startProcessor();
    const first = await this.untilStored(before + 1);
    const last = await this.untilStored(before + count);
    await this.stopProcessor();
    return { drained_per_second: (last.stored - first.stored) / ((last.at - first.at) / 1000), published };
  }

  /** Publishes at a steady rate, one message a request. Resolves to the time until its subscriber has each, in ms. */
  async latency({ rate, seconds, warmSeconds }) {
    await this.startProcessor();
    await this.watch();
    const pace = async (forSeconds) => {
      const startedAt = performance.now();
      const requests = [];
      for (let sent = 0; sent < rate * forSeconds; await sleep(1))
        for (const due = ((performance.now() - startedAt) / 1000) * rate; sent < due; sent += 1)
          requests.push(this.publish(1));
      await Promise.all(requests);
    };
    await pace(warmSeconds);
    await sleep(500);
    this.latencies = [];
    const from = this.next;
    await pace(seconds);
    const expected = this.next - from;
    for (const deadline = performance.now() + 10_000; this.latencies.length < expected; await sleep(LOOK_MS))
      if (performance.now() > deadline) throw new Error(`${this.latencies.length} of ${expected} alerts arrived`);
    await this.stopProcessor();
    const sorted = this.latencies.toSorted((a, b) => a - b);
    return { p50_ms: sorted[Math.floor(sorted.length / 2)], p99_ms: sorted[Math.floor(sorted.length * 0.99)] };
  }

  async close() {
    for (const stream of this.streams ?? []) stream.destroy();
    this.agent.destroy();
    await stop(this.processor);
    await stop(this.gateway);
    await this.sql?.end();
    await this.onServer(`drop database if exists ${this.database} with (force)`);
  }

  /** A realistic mix: of a hundred alerts 5 are urgent, 15 high, 40 medium and 40 low. */
  async publish(count) {
    const alerts = Array.from({ length: count }, () => {
      const n = this.next++;
      this.sentAt.set(n, performance.now());
      return {
        tenant_id: `t${n % this.tenants}`,
        service: 'inventory',
        severity: n % 20 === 0 ? 'urgent' : n % 20 < 4 ? 'high' : n % 2 === 0 ? 'medium' : 'low',
        id: `a${n}`,
        name: 'low_stock',
        title: 'Flour is running low',
        message: 'Only 2 kg are left in the northern store.',
        occurred_at: new Date().toISOString(),
        labels: { store: 'north' },
        metadata: { left_kg: 2 },
      };
    });
    this.token ??= tokenFor({ sub: 'svc', scope: 'events:publish' });
    const { status, text } = await this.call('POST', '/api/v1/events', this.token, JSON.stringify(alerts));
    if (status !== 202) throw new Error(`publishing was answered ${status}: ${text.slice(0, 300)}`);
  }

  /** Opens one stream for each tenant, once. */
  async watch() {
    this.streams ??= await Promise.all(
      Array.from({ length: this.tenants }, (_, i) => {
        const tenants = [{ id: `t${i}`, name: `t${i}`, role: 'viewer' }];
        const headers = {
          Accept: 'text/event-stream',
          Authorization: `Bearer ${tokenFor({ sub: `u${i}`, tenants })}`,
        };
        return new Promise((resolve, reject) => {
          const asked = request({ port: this.port, path: '/api/events', headers }, (response) => {
            if (response.statusCode !== 200) return reject(new Error(`a stream was answered ${response.statusCode}`));
            let rest = '';
            response.setEncoding('utf8').on('data', (text) => {
              const now = performance.now();
              const whole = rest + text;
              const end = whole.lastIndexOf('\n\n') + 1;
              rest = whole.slice(end);
              for (const [, n] of whole.slice(0, end).matchAll(EVENT_ID))
                this.latencies.push(now - this.sentAt.get(Number(n)));
            });
            resolve(asked);
          });
          asked.on('error', reject);
          asked.end();
        });
      }),
    );
  }

  call(method, path, token, body) {
    return new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
      const asked = request({ port: this.port, path, method, agent: this.agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (some) => (text += some));
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }

  async stored() {
    const { rows } = await this.sql.query('select coalesce(sum(last_seq), 0) as stored from tocsin.tenant_stream');
    return Number(rows[0].stored);
  }

  async untilStored(count) {
    for (const deadline = performance.now() + DRAIN_WITHIN_MS; ; await sleep(LOOK_MS)) {
      const stored = await this.stored();
      const at = performance.now();
      if (stored >= count) return { stored, at };
      if (at > deadline) throw new Error(`${stored} of ${count} were stored within ${DRAIN_WITHIN_MS} ms`);
    }
  }

  async onServer(statement) {
    const client = new Client({ connectionString: this.services.DATABASE_URL });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  }
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenFor(claims) {
  const now = Math.floor(Date.now() / 1000);
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ ...claims, iat: now, exp: now + 7_200 })}`;
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}
