// A notifier as it runs: a process of its own on a database and a Redis prefix of its own, whose mails go to a sink.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setPriority, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { start, startHelper, stop } from '../stream/processes.mjs';

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL('.', import.meta.url));
const dist = resolve(here, '..', '..', 'dist');
const { Database, PostgresEventLog, migrate } = require(join(dist, 'libs/postgres/src/index.js'));
const { Redis } = require('ioredis');

/** Every process may run on these two cores. */
const CORES = '0,1';
const SETTLE_MS = 50;

export class NotifierSite {
  static async open(services, databaseUrl) {
    const site = new NotifierSite();
    const connection = { url: databaseUrl };
    const prefix = `bench-${randomBytes(5).toString('hex')}.`;
    await migrate({ connection });
    site.folder = mkdtempSync(join(tmpdir(), 'tocsin-bench-'));
    site.sink = startHelper(join(here, 'smtp-sink.mjs'), {}, CORES);
    // a mail server is on another machine: here it takes only what the others leave
    setPriority(site.sink.child.pid, 19);
    const port = await site.sink.ask('listen');
    const { child, ready } = await start({
      args: [join(dist, 'apps/notifier/src/main.js')],
      env: {
        PATH: env.PATH,
        HOME: env.HOME,
        TZ: 'UTC',
        NODE_ENV: 'production',
        ADMIN_PORT: '0',
        DATABASE_URL: databaseUrl,
        REDIS_URL: services.REDIS_URL,
        REDIS_PREFIX: prefix,
        SMTP_URL: `smtp://127.0.0.1:${port}`,
        MAIL_FROM: 'Tocsin <alerts@example.com>',
        WEBHOOK_ALLOW_PRIVATE: 'on',
        NOTIFIER_DRAIN_MS: '0',
      },
      core: CORES,
      logFile: join(site.folder, 'notifier.log'),
      until: (line) => (line.includes('"sending"') ? line : undefined),
    });
    site.child = child;
    await ready;
    site.redis = new Redis(services.REDIS_URL);
    site.database = new Database({ connection, role: 'tocsin_processor' });
    site.log = new PostgresEventLog(site.database);
    site.topic = `${prefix}deliveries`;
    return site;
  }

  /** Stores events as the alert-processor does, and rings. Returns when they were stored, in ms since the epoch. */
  async tell(events) {
    await this.log.append(events);
    const storedAt = performance.timeOrigin + performance.now();
    await this.redis.publish(this.topic, '');
    return storedAt;
  }

  /** Resolves when the sink has `count` mails that were not taken yet. */
  async has(count, withinMs) {
    const until = performance.now() + withinMs;
    for (let have = 0; (have = await this.sink.ask('count')) < count;) {
      if (performance.now() > until) throw new Error(`${have} of ${count} mails have arrived`);
      await new Promise((done) => setTimeout(done, SETTLE_MS));
    }
  }

  async close() {
    await stop(this.child);
    await stop(this.sink?.child);
    await this.redis?.quit();
    await this.database?.close();
    if (this.folder) rmSync(this.folder, { recursive: true });
  }
}
