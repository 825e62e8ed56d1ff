// The hubs that others use for the same purpose, each as its documentation recommends: Mercure with its default store
// and Centrifugo with Redis, both with a token for each subscriber. Their Go modules are built at the first
// `npm run bench:compare`.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, BASE_ENVIRONMENT, freePort } from './contenders.mjs';
import { builtPath, versionOf, whyNotBuilt } from '../../scripts/test/go-programs.mjs';
import { SERVER_CORE, start, stop } from './processes.mjs';
import { signed } from './token.mjs';

const LEVEL = 'error';

/** A program that was built from its Go module. `configure` writes its configuration and returns its arguments. */
function hub({ name, program, about, folder, configure }) {
  let child;
  return {
    name,
    about: `${versionOf(program)}, ${about}`,
    missing: whyNotBuilt(program),
    async start() {
      const port = await freePort();
      const work = join(folder, `${program}-${port}`);
      mkdirSync(work, { recursive: true });
      const secret = randomBytes(32).toString('hex');
      const { args, open, feed } = configure({ port, work, secret });
      const server = await start({
        command: builtPath(program),
        args,
        // Go takes as many threads as it may use cores: one
        env: { ...BASE_ENVIRONMENT, XDG_DATA_HOME: work, XDG_CONFIG_HOME: work },
        core: SERVER_CORE,
        logFile: join(folder, `${program}.log`),
        until: () => undefined,
        timeoutMs: 2 ** 30,
      });
      child = server.child;
      await Promise.race([server.ready, answers(port)]);
      server.ready.catch(() => undefined);
      this.pid = child.pid;
      this.open = { port, secret, ...open };
      this.feed = { port, ...feed };
    },
    stop: () => stop(child),
  };
}

/** Mercure keeps updates in Bolt, its default. Its access log is off, as that of the others is. */
export const mercure = ({ folder }) =>
  hub({
    name: 'Mercure',
    program: 'mercure',
    about: 'Bolt, JWT verified',
    folder,
    configure({ port, work, secret }) {
      const file = join(work, 'Caddyfile');
      writeFileSync(
        file,
        `{
  admin off
  auto_https off
  log {
    level ${LEVEL}
  }
}
http://:${port} {
  bind 127.0.0.1
  mercure {
    transport bolt {
      path ${join(work, 'updates.db')}
    }
    publisher_jwt ${secret}
    subscriber_jwt ${secret}
    heartbeat 10m
  }
}
`,
      );
      return {
        args: ['run', '--config', file, '--adapter', 'caddyfile'],
        open: { path: '/.well-known/mercure?topic={tenant}', token: 'mercure' },
        feed: {
          kind: 'forms',
          path: '/.well-known/mercure',
          authorization: `Bearer ${signed({ mercure: { publish: ['*'] } }, secret)}`,
        },
      };
    },
  });

/** Centrifugo keeps a history in Redis, from which a client that returns gets what it missed. */
export const centrifugo = ({ folder, services }) =>
  hub({
    name: 'Centrifugo',
    program: 'centrifugo',
    about: 'Redis with a history, JWT verified',
    folder,
    configure({ port, work, secret }) {
      const file = join(work, 'config.json');
      const key = randomBytes(16).toString('hex');
      const config = {
        http_server: { address: '127.0.0.1', port: String(port) },
        log: { level: LEVEL },
        client: { token: { hmac_secret_key: secret }, ping_interval: '10m', pong_timeout: '1m' },
        // as many entries for those who return as a feed of Tocsin keeps
        channel: { without_namespace: { history_size: 1024, history_ttl: '5m', force_recovery: true } },
        engine: {
          type: 'redis',
          redis: { address: services.REDIS_URL, prefix: `bench-${randomBytes(5).toString('hex')}` },
        },
        http_api: { key },
        uni_sse: { enabled: true },
      };
      writeFileSync(file, JSON.stringify(config));
      return {
        args: ['--config', file],
        open: { path: '/connection/uni_sse?cf_connect={connect}', token: 'centrifugo' },
        feed: { kind: 'commands', path: '/api/publish', authorization: `apikey ${key}` },
      };
    },
  });
