import { generateVAPIDKeys } from 'web-push';
import { secretSettings } from '../../scripts/manifests/secret-settings';
import { ask } from '../kit/http';
import type { AppProcess } from '../kit/processes';
import { SseStream } from '../kit/sse-client';
import { makeToken, nowSeconds, tokenFor } from '../kit/tokens';
import { figures } from './figures';
import { ALL, RotatedSystem, type Between } from './rotated-system';
import { describeWhole, limitMs } from './size';
import { SteadyLoad } from './steady-load';
import { brokenPromises, caughtUp, percentile, storedAll } from './verdict';
import { Watcher } from './watcher';

const TENANTS = ['bakery', 'brewery'];
const CLIENTS = 24;
const USERS = Object.fromEntries(
  Array.from({ length: CLIENTS }, (_, i) => [`user-${i}`, i % 3 === 2 ? TENANTS : [TENANTS[i % 2]!]]),
);

/** The secrets that this test does not rotate, and why. */
const LEFT_OUT: Record<string, string> = {
  NATS_URL: 'NATS is not part of this system',
  NATS_CREDENTIALS: 'NATS is not part of this system',
  DB_PASS: 'the part of DATABASE_URL where the address is set in parts',
  DATABASE_MIGRATION_URL: 'no process that runs uses it',
  DATABASE_LISTEN_URL: 'a second address of the same database, for engines on PostgreSQL',
  DATABASE_REPLICA_URL: 'there is no replica',
  OIDC_CLIENT_SECRET: 'the provider and not Tocsin decides whether two are good at once',
  OTEL_EXPORTER_OTLP_HEADERS: 'there is no receiver of traces',
};

describeWhole('the rotation of every secret', () => {
  let system: RotatedSystem;
  let watchers: Watcher[] = [];
  let load: SteadyLoad;
  const rotated = new Set<string>();
  beforeAll(async () => {
    system = await RotatedSystem.open(USERS);
    watchers = await Promise.all(
      Object.entries(USERS).map(([user, tenants], i) =>
        new Watcher(
          user,
          tenants,
          () => system.stack.gateways.map((gateway) => system.stack.eventsUrl(gateway)),
          i,
        ).start(),
      ),
    );
    load = new SteadyLoad(system.amqp, { tenants: TENANTS, perSecond: 50 }).start();
  }, 180_000);
  afterAll(async () => {
    await load?.stop();
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    await system?.close();
  }, 120_000);

  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  const statusWith = async ({ url }: AppProcess, token: string) =>
    (await ask(url, '/api/v1/alerts?limit=1', { headers: bearer(token) })).status;
  const tokenBy = (key: string) =>
    makeToken({ key, claims: { sub: 'user-0', iat: nowSeconds(), exp: nowSeconds() + 3_600 } });

  async function credentialsFrom({ url }: AppProcess): Promise<{ ticket: string; cookie: string }> {
    const headers = bearer(tokenFor('user-0'));
    const ticket = await ask(url, '/api/events/ticket', { method: 'POST', headers });
    const cookie = await ask(url, '/api/events/ticket?mode=cookie', { method: 'POST', headers });
    return { ticket: String(ticket.json.ticket), cookie: cookie.headers['set-cookie']![0]!.split(';')[0]! };
  }

  async function expectStream(gateway: AppProcess, by: { ticket: string } | { cookie: string }): Promise<void> {
    const stream = await SseStream.open(
      system.stack.eventsUrl(gateway),
      'ticket' in by ? { query: by } : { headers: { Cookie: by.cookie } },
    );
    await stream.frame('connection');
    stream.close();
  }

  /** Tokens of both secrets are good at both gateways. */
  const bothTokens =
    (...keys: string[]): Between =>
    async (...gateways) => {
      for (const gateway of gateways) for (const key of keys) expect(await statusWith(gateway, tokenBy(key))).toBe(200);
    };

  /** What one gateway has issued opens a stream at the other one, whichever is the new one. */
  const ticketsCross: Between = async (fresh, old) => {
    for (const [issuer, opener] of [
      [fresh, old],
      [old, fresh],
    ] as const) {
      const { ticket, cookie } = await credentialsFrom(issuer);
      await expectStream(opener, { ticket });
      await expectStream(opener, { cookie });
    }
  };

  const STEPS: [string[], () => Promise<void>][] = [
    [
      ['JWT_SECRET', 'JWT_SECRET_PREVIOUS'],
      async () => {
        const [old, next] = [system.settings.JWT_SECRET!, system.secret('jwt')];
        await system.roll(['gateway'], { JWT_SECRET_PREVIOUS: next });
        await system.roll(['gateway'], { JWT_SECRET: next, JWT_SECRET_PREVIOUS: old }, bothTokens(old, next));
      },
    ],
    [
      ['TICKET_SECRET', 'TICKET_SECRET_PREVIOUS'],
      async () => {
        const [old, next] = [system.settings.TICKET_SECRET!, system.secret('ticket')];
        await system.roll(['gateway'], { TICKET_SECRET_PREVIOUS: next }, ticketsCross);
        const { cookie } = await credentialsFrom(system.stack.gateway);
        await system.roll(['gateway'], { TICKET_SECRET: next, TICKET_SECRET_PREVIOUS: old }, ticketsCross);
        for (const gateway of system.stack.gateways) await expectStream(gateway, { cookie });
      },
    ],
    [
      ['REDIS_HINT_KEY'],
      async () => {
        await system.stack.sql('update tocsin.hint_key set key = $1', [system.secret('kept-hint-key-of-the-database')]);
        await system.roll(ALL, {});
        await system.roll(ALL, { REDIS_HINT_KEY: system.secret('hint') });
      },
    ],
    [
      ['DATABASE_URL'],
      async () => {
        await system.addLogins('second');
        await system.roll(ALL, {});
        await system.dropLoginsBut('second');
      },
    ],
    [
      ['REDIS_URL'],
      async () => {
        const old = system.settings.REDIS_URL!;
        await system.roll(ALL, { REDIS_URL: await system.addRedisPassword('second') });
        await system.removeRedisPassword(old);
      },
    ],
    [
      ['RABBITMQ_URL'],
      async () => {
        await system.roll(['alert-processor', 'gateway'], { RABBITMQ_URL: await system.addRabbitUser('second') });
        await system.rabbit.deleteUser('first');
      },
    ],
    [
      ['TENANT_SERVICE_TOKEN'],
      async () => {
        const token = system.secret('tenant-service');
        await system.roll(['gateway'], { TENANT_SERVICE_TOKEN: token });
        await statusWith(system.stack.gateway, tokenFor('user-0'));
        expect(system.stack.tenantService.requests.at(-1)!.authorization).toBe(`Bearer ${token}`);
      },
    ],
    [
      ['WEBHOOK_KEY', 'TWILIO_AUTH_TOKEN', 'VAPID_PRIVATE_KEY', 'SMTP_URL'],
      async () => {
        const { publicKey, privateKey } = generateVAPIDKeys();
        system.secrets.push(privateKey);
        await system.roll(['gateway', 'notifier'], {
          WEBHOOK_KEY: system.secret('webhook'),
          TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
          TWILIO_AUTH_TOKEN: system.secret('twilio'),
          TWILIO_SMS_FROM: '+15005550006',
          PUBLIC_URL: 'http://127.0.0.1:8000',
          VAPID_PUBLIC_KEY: publicKey,
          VAPID_PRIVATE_KEY: privateKey,
          VAPID_SUBJECT: 'mailto:operations@example.com',
          SMTP_URL: `smtp://tocsin:${system.secret('smtp')}@127.0.0.1:1`,
          MAIL_FROM: 'Tocsin <alerts@example.com>',
        });
      },
    ],
  ];

  it.each(STEPS)(
    'rotates %j while clients are connected',
    async (secrets, rotate) => {
      await rotate();
      for (const secret of secrets) rotated.add(secret);
      const rows = await storedAll(system.stack.database.url, load.published);
      await caughtUp(watchers, rows);
      expect(watchers.filter(({ connected }) => !connected)).toEqual([]);
    },
    limitMs(30),
  );

  it(
    'has rotated every secret setting of the processes, and no client missed an entry or saw one twice',
    async () => {
      const settings = new Set((await Promise.all(ALL.map(secretSettings))).flat());
      expect([...rotated, ...Object.keys(LEFT_OUT)].sort()).toEqual([...settings].sort());

      await load.stop();
      const rows = await storedAll(system.stack.database.url, load.published);
      await caughtUp(watchers, rows);
      const aways = watchers.flatMap(({ absencesMs }) => absencesMs);
      figures(16, `rotations under ${CLIENTS} open streams`, {
        'processes replaced': system.replaced,
        'streams that ended': aways.length,
        'without a stream longest ms': percentile(aways, 100),
        entries: rows.length,
      });
      expect(load.published.filter(({ confirmed }) => !confirmed)).toEqual([]);
      const { secrets, stack } = system;
      expect(
        brokenPromises({
          published: load.published,
          histories: [rows],
          watchers,
          logs: [stack.processes.output],
          secrets: secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]),
        }).slice(0, 10),
      ).toEqual([]);
    },
    limitMs(20),
  );

  it('refuses tokens of the old secret once it is removed', async () => {
    const old = system.settings.JWT_SECRET_PREVIOUS!;
    await system.roll(['gateway'], { JWT_SECRET_PREVIOUS: '' });
    expect(await statusWith(system.stack.gateway, tokenBy(old))).toBe(401);
    expect(await statusWith(system.stack.gateway, tokenBy(system.settings.JWT_SECRET!))).toBe(200);
  }, 60_000);
});
