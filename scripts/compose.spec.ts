import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { compose, readCompose, service } from './manifests/compose';
import { APPS, readText } from './manifests/deployed';
import type { Manifest } from './manifests/render';

const root = join(__dirname, '..');

describe('compose', () => {
  /** The init containers, which run one after the other before an app starts. */
  const STEPS = ['migrate', 'demo-tenants', 'logins'];
  /** Clients of the gateway, with nothing to be asked. */
  const CLIENTS = ['smoke', 'demo'];

  test('nothing in compose listens to another machine', () => {
    const ports = Object.values(compose.services).flatMap(({ ports = [] }) => ports);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  test('every service in compose is checked, and stops in its own time', () => {
    for (const [name, { healthcheck, stop_grace_period }] of Object.entries(compose.services)) {
      if (![...STEPS, ...CLIENTS].includes(name))
        expect({ name, tested: healthcheck.test!.length > 0 }).toEqual({ name, tested: true });
      if (name !== 'redis') expect({ name, stop_grace_period }).toEqual({ name, stop_grace_period: '60s' });
    }
  });

  test('the apps in compose wait for the schema and listen where the manifests do', () => {
    for (const [app, { admin }] of Object.entries(APPS)) {
      expect(service(app).command).toEqual(['node', `dist/apps/${app}/src/main.js`]);
      expect(service(app).environment).toMatchObject({ ADMIN_PORT: admin });
      expect(service(app).healthcheck.test!.at(-1)).toContain(`:${admin}/readyz`);
      expect(service(app).depends_on).toMatchObject({
        logins: { condition: 'service_completed_successfully' },
        rabbitmq: { condition: 'service_healthy' },
      });
      expect(service(app).read_only).toBe(true);
    }
    expect(service('gateway').environment).toMatchObject({ PORT: APPS.gateway.http });
  });

  test.each(['docker-compose.yml', 'docker-compose.postgres-alone.yml'])(
    'a setting of .env, such as SMTP_URL, reaches the apps of %s unless compose itself sets it',
    (file) => {
      const { services } = readCompose(file);
      const readers = Object.keys(services).filter((name) => services[name]!.env_file);
      const clients = CLIENTS.filter((name) => services[name]);
      expect(readers.sort()).toEqual([...Object.keys(APPS), ...clients].sort());
      // what tokens of the command line are made of, and one that is made elsewhere, is the gateway's
      for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE', 'TOCSIN_TOKEN'])
        for (const client of clients) expect(services[client]!.environment).not.toHaveProperty(name);
      for (const app of Object.keys(APPS)) {
        const { env_file, environment, healthcheck } = services[app]!;
        expect(env_file).toEqual([{ path: '.env', required: false }]);
        // what a .env for apps outside of containers may hold, and would be wrong inside
        expect(Object.keys(environment!)).toEqual(expect.arrayContaining(['DATABASE_URL', 'ADMIN_PORT']));
        expect(healthcheck.test!.at(-1)).toContain(String(environment!.READINESS_PATH));
      }
      for (const name of ['SMTP_URL', 'PUBLIC_URL', 'MAIL_FROM', 'WEBHOOK_KEY'])
        expect(services.notifier!.environment).not.toHaveProperty(name);
    },
  );

  test('an identity provider can be named in .env: the secret for trying out gives way to an empty one', () => {
    for (const name of ['gateway', 'smoke', 'demo'])
      expect(service(name).environment!.JWT_SECRET).toMatch(/^\$\{JWT_SECRET-[\w-]+\}$/);
  });

  test('no app in compose is given the owner of the database, nor another service the way to it', () => {
    const ownersOf = (name: string) =>
      Object.values(service(name).environment ?? {}).filter((value) =>
        /postgres:postgres@|^postgres$/.test(String(value)),
      );
    expect(Object.keys(compose.services).filter((name) => ownersOf(name).length > 0)).toEqual(['postgres', ...STEPS]);
    expect(service('logins')).toMatchObject({
      image: service('postgres').image,
      read_only: true,
      depends_on: { migrate: { condition: 'service_completed_successfully' } },
    });
    const [mounted] = service('logins').volumes!.map((volume) => volume.split(':')[0]!);
    expect(existsSync(join(root, mounted!))).toBe(true);
  });

  test('compose for PostgreSQL alone has the same services without RabbitMQ and Redis, and says so to the apps', () => {
    const alone = readCompose('docker-compose.postgres-alone.yml');
    const monitoring = ['prometheus', 'jaeger', 'grafana'];
    const others = Object.keys(compose.services).filter((name) => !['redis', 'rabbitmq', ...monitoring].includes(name));
    expect(Object.keys(alone.services)).toEqual(others);
    expect(Object.keys(alone.volumes)).toEqual(['postgres']);
    for (const [name, { environment, depends_on, ...same }] of Object.entries(alone.services)) {
      const { environment: usual = {}, depends_on: before, ...usually } = service(name);
      expect({ name, ...same }).toEqual({ name, ...usually });
      const { QUEUE, BUS, ...rest } = environment ?? {};
      const { REDIS_URL: _, RABBITMQ_URL: __, ...expected } = usual;
      expect({ name, rest }).toEqual({ name, rest: expected });
      if (name in APPS) expect({ name, QUEUE, BUS }).toEqual({ name, QUEUE: 'postgres', BUS: 'postgres' });
      const { redis: ___, rabbitmq: ____, ...waits } = before ?? {};
      expect({ name, waits: depends_on ?? {} }).toEqual({ name, waits });
    }
  });

  // What nothing awaits as completed, `docker compose up --wait` takes for an app that has ended: it ends with 1
  // (docker/compose#10596).
  test.each(['docker-compose.yml', 'docker-compose.postgres-alone.yml'])(
    'each step of %s is awaited by a service that starts without a profile',
    (file) => {
      const usual = Object.entries(readCompose(file).services).filter(([, { profiles }]) => !profiles);
      const steps = usual.filter(([, { restart }]) => /^on-failure/.test(restart ?? '')).map(([name]) => name);
      expect(steps).toEqual(STEPS);
      const awaited = usual.flatMap(([, { depends_on = {} }]) =>
        Object.entries(depends_on)
          .filter(([, { condition }]) => condition === 'service_completed_successfully')
          .map(([name]) => name),
      );
      expect(steps.filter((name) => !awaited.includes(name))).toEqual([]);
    },
  );

  test('an app in compose is traced when it is told where to, and the example names the receiver of Jaeger', () => {
    for (const app of Object.keys(APPS))
      expect(service(app).environment).toMatchObject({
        OTEL_EXPORTER_OTLP_ENDPOINT: '${OTEL_EXPORTER_OTLP_ENDPOINT:-}',
      });
    // the port of OTLP over HTTP
    for (const file of ['docker-compose.yml', 'docs/operate.md'])
      expect(readText(file)).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=http://jaeger:4318');
    expect(service('jaeger')).toMatchObject({
      profiles: ['monitoring'],
      image: expect.stringMatching(/:\d+\.\d+\.\d+$/) as string,
      environment: { JAEGER_LISTEN_HOST: '0.0.0.0' },
    });
  });

  test('Grafana in compose reads Prometheus and Jaeger where they listen', () => {
    const provisioned = service('grafana').volumes!.flatMap((volume) => {
      const [from, to] = volume.split(':');
      if (!to!.startsWith('/etc/grafana/provisioning/datasources/')) return [];
      const { datasources } = parse(readText(from!)) as { datasources: { type: string; url: string }[] };
      return datasources.map(({ type, url }) => ({ type, host: new URL(url).hostname, port: new URL(url).port }));
    });
    expect(provisioned.map(({ type }) => type)).toEqual(['prometheus', 'jaeger']);
    for (const { type, host, port } of provisioned) {
      expect(host).toBe(type);
      expect(service(host).ports![0]).toMatch(new RegExp(`:${port}$`));
    }
  });

  test('compose and the local cluster run the same versions of the services', () => {
    for (const name of ['postgres', 'redis', 'rabbitmq']) {
      const [deployment] = parseAllDocuments(readText('infrastructure/kubernetes/overlays/dev', `${name}.yaml`)).map(
        (document) => document.toJS() as Manifest,
      );
      expect({ name, image: service(name).image }).toEqual({
        name,
        image: deployment!.spec.template.spec.containers[0]!.image,
      });
    }
  });
});
