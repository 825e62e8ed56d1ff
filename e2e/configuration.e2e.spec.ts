import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@tocsin/contracts/testing';
import { Processes, type App, type Environment } from './kit/processes';
import { JWT_SECRET } from './kit/tokens';

/** EX_CONFIG of sysexits.h. */
const EXIT_CONFIGURATION = 78;
/**
 * A process that cannot start must end soon. Generous, since a test machine has other work; the fastest start counts.
 */
const MAX_MS = 20_000;

/** No server listens there: an app that connected before it checked its settings would take too long. */
const SERVICES = {
  DATABASE_URL: 'postgresql://u:canary-database@127.0.0.1:1/x',
  REDIS_URL: 'redis://:canary-redis@127.0.0.1:1',
  RABBITMQ_URL: 'amqp://u:canary-rabbit@127.0.0.1:1',
};
/** Values of these never appear; what else was given does. */
const SECRET = /_SECRET$|^TENANT_SERVICE_TOKEN$|^(DATABASE|REDIS|RABBITMQ|NATS)_URL$/;
const GATEWAY = { ...SERVICES, JWT_SECRET, PORT: '0', ADMIN_PORT: '0' };
const PROCESSOR = { ...SERVICES, ADMIN_PORT: '0' };

describe('a wrong configuration', () => {
  const processes = new Processes();
  const durationsMs: number[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-configuration-'));
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await processes.close();
  });

  /** Starts an app that must refuse to start, and returns its output, one sentence per line. */
  async function refusalOf(app: App, environment: Environment): Promise<string[]> {
    const { code, stdout, stderr, durationMs } = await processes.run(app, environment);
    expect({ code, stdout }).toEqual({ code: EXIT_CONFIGURATION, stdout: '' });
    durationsMs.push(durationMs);
    for (const [name, value] of Object.entries(environment))
      if (SECRET.test(name) && value.length > 3) expect(stderr).not.toContain(value);
    expect(stderr).not.toMatch(/\n\s+at /);
    return stderr.trim().split('\n');
  }
  const naming = (name: string): unknown => expect.stringContaining(name);

  it('of the gateway: everything that is missing is named at once', async () => {
    const lines = await refusalOf('gateway', {});
    expect(lines).toEqual(expect.arrayContaining([naming('REDIS_URL'), naming('RABBITMQ_URL'), naming('JWT_SECRET')]));
  });

  it('of the processor: everything that is missing is named at once', async () => {
    const lines = await refusalOf('alert-processor', {});
    expect(lines).toEqual(expect.arrayContaining([naming('REDIS_URL'), naming('RABBITMQ_URL')]));
  });

  it.each(['https://a.example,null', 'https://*.example.com', 'https://a.example/'])(
    'of the gateway: an origin that no browser sends, or that any page can have (%s)',
    async (origins) => {
      expect(await refusalOf('gateway', { ...GATEWAY, CORS_ORIGINS: origins })).toEqual([naming('CORS_ORIGINS')]);
    },
  );

  it('is told by name, all of it, with what was given, and a secret never by its value', async () => {
    const lines = await refusalOf('gateway', {
      ...GATEWAY,
      DATABASE_URL: 'mysql://u:canary-one@db/x',
      REDIS_URL: 'canary-two',
      RABBITMQ_URL: 'http://canary-three',
      JWT_SECRET: 'canary-short',
      PORT: '70000',
      HEARTBEAT_MS: 'canary-soon',
      STREAM_QUERY_TOKEN: 'canary-maybe',
      LOG_LEVEL: 'canary-loud',
      TENANT_SERVICE_URL: 'canary-ftp://tenants',
    });
    const names = [
      'DATABASE_URL',
      'REDIS_URL',
      'RABBITMQ_URL',
      'JWT_SECRET',
      'PORT',
      'HEARTBEAT_MS',
      'STREAM_QUERY_TOKEN',
      'LOG_LEVEL',
      'TENANT_SERVICE_URL',
    ];
    expect(lines).toHaveLength(names.length);
    expect(lines).toEqual(expect.arrayContaining(names.map(naming)));
    expect(lines).toEqual(
      expect.arrayContaining([
        'PORT is not valid: must be at most 65535 (given: "70000").',
        'HEARTBEAT_MS is not valid: a time is needed, such as 15s or 2m, or a number of ms (given: "canary-soon").',
        'JWT_SECRET is not valid: at least 32 bytes are needed (`openssl rand -base64 48` makes one).',
      ]),
    );
  });

  it('of the gateway: a misspelt name stands beside what it leaves missing', async () => {
    const lines = await refusalOf('gateway', { ...GATEWAY, JWT_SECRET: '', JWT_SECERT: 'canary-secret' });
    expect(lines).toEqual([
      naming('JWT_SECRET'),
      'JWT_SECERT is set, and there is no setting of this name. Did you mean JWT_SECRET?',
    ]);
  });

  it.each<[string, Environment, string]>([
    [
      'a secret that is a public key',
      { JWT_SECRET: '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A' },
      'JWT_SECRET',
    ],
    ['keys of two issuers', { JWT_JWKS_URL: 'https://id.example.test/jwks.json' }, 'JWT_JWKS_URL'],
    [
      "an issuer's keys without a secret for tickets",
      { JWT_SECRET: '', JWT_JWKS_URL: 'https://id.example.test/jwks.json' },
      'TICKET_SECRET',
    ],
    ['a backlog that one message exceeds', { STREAM_BACKLOG_BYTES: '65536' }, 'STREAM_BACKLOG_BYTES'],
    ['a heartbeat that proxies do not wait for', { HEARTBEAT_MS: '90000' }, 'HEARTBEAT_MS'],
    ['a port that is no port', { PORT: '8000.5' }, 'PORT'],
    [
      'an algorithm that does not sign',
      {
        JWT_SECRET: '',
        JWT_JWKS_URL: 'https://id.example.test/x',
        TICKET_SECRET: JWT_SECRET,
        JWT_JWKS_ALGORITHMS: 'none',
      },
      'JWT_JWKS_ALGORITHMS',
    ],
    ['a password of Redis that is not encoded', { REDIS_URL: 'redis://:canary-100%@127.0.0.1:1' }, 'REDIS_URL'],
    [
      'a password of NATS that is not encoded',
      { QUEUE: 'nats', NATS_URL: 'nats://u:canary-100%@127.0.0.1:1' },
      'NATS_URL',
    ],
    ['a secret in a file that is not there', { JWT_SECRET: '', JWT_SECRET_FILE: '/nowhere/canary' }, 'JWT_SECRET_FILE'],
  ])('%s is one sentence', async (_, environment, name) => {
    const lines = await refusalOf('gateway', { ...GATEWAY, ...environment });
    expect(lines).toContainEqual(naming(name));
  });

  it('of the processor: a size out of its range is named', async () => {
    expect(
      await refusalOf('alert-processor', {
        ...PROCESSOR,
        PROCESSOR_PREFETCH: '0',
        PROCESSOR_LANES: '99',
        // beyond what an integer of PostgreSQL holds
        FOLD_AFTER: '2147483648',
      }),
    ).toEqual([naming('PROCESSOR_LANES'), naming('FOLD_AFTER'), naming('PROCESSOR_PREFETCH')]);
  });

  it('of the standalone: a real queue before an embedded database is refused', async () => {
    const lines = await refusalOf('standalone', {
      PORT: '0',
      ADMIN_PORT: '0',
      DATA_DIR: join(folder, 'data'),
      RABBITMQ_URL: SERVICES.RABBITMQ_URL,
    });
    expect(lines).toEqual([naming('RABBITMQ_URL')]);
  });

  it('is reported at once, before a connection is made or a port is opened', () => {
    expect(durationsMs.length).toBeGreaterThan(10);
    expect(Math.min(...durationsMs)).toBeLessThan(MAX_MS);
  });

  it('is none: an empty value or one of blanks is an unset one, and a secret may stand in a file', async () => {
    const file = join(folder, 'secret');
    writeFileSync(file, `${JWT_SECRET}\n`);
    const gateway = processes.launch('gateway', {
      ...GATEWAY,
      JWT_SECRET: '',
      JWT_SECRET_FILE: file,
      JWT_JWKS_URL: '',
      HEARTBEAT_MS: '',
      MAX_STREAMS: ' ',
      TENANT_SERVICE_URL: '',
    });
    // the app has nothing to refuse, and waits for services that are not there
    await eventually(() => expect(gateway.log.map(({ msg }) => msg)).toContain('waiting for dependencies'), 40_000);
    expect(gateway.output).not.toMatch(/canary/);
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  });
});
