import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { describeWith } from '../e2e/kit/programs';
import { helm, kustomize, podOf, type Manifest } from './manifests/render';
import { secretSettings } from './manifests/secret-settings';
import { SOURCES } from './manifests/sources';

const root = join(__dirname, '..');
const readText = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

const NGINX = 'nginx.ingress.kubernetes.io/';
const STREAM_ANNOTATIONS = {
  [`${NGINX}proxy-buffering`]: 'off',
  [`${NGINX}proxy-http-version`]: '1.1',
  [`${NGINX}proxy-read-timeout`]: '3600',
  [`${NGINX}proxy-send-timeout`]: '3600',
  [`${NGINX}proxy-connect-timeout`]: '60',
};
/** What runs once, with the command line. */
const JOBS = ['migrate', 'demo-tenants', 'smoke'];
/** The command with which every way to deploy is tried; `--url` and further options follow. */
const SMOKE = ['node', 'dist/apps/cli/src/main.js', 'bench', '--count', '1'];
const APPS = {
  gateway: { http: 8000, admin: 9090 },
  'alert-processor': { admin: 9091 },
  notifier: { admin: 9092 },
} as const;

/** The manifests give the whole address of the database, and its owner to the migration alone. */
const ELSEWHERE = ['DB_PASS', 'DATABASE_MIGRATION_URL'];

/** The words of a command that stands in a text: in quotes, or separated by spaces. */
function wordsOf(pattern: RegExp, text: string, before?: string): string[] {
  const [, written] = pattern.exec(text) ?? [];
  const words = (line: string) => [...line.matchAll(/'([^']*)'/g)].map(([, word]) => word!);
  if (before === undefined) return written?.split(' ') ?? [];
  const [, prefix] = new RegExp(`^${before} = \\[(.*)\\]$`, 'm').exec(text) ?? [];
  const all = [...words(prefix ?? ''), ...words(written ?? '')];
  return all.slice(all.indexOf('--') + 1);
}

describe.each(SOURCES)('$name', ({ program, render }) =>
  describeWith(program, 'as rendered', () => {
    let manifests: Manifest[];
    beforeAll(() => {
      manifests = render();
    });

    const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);
    const named = (kind: string, name: string) => {
      const found = ofKind(kind).find(({ metadata }) => metadata.name === name);
      if (!found) throw new Error(`no ${kind} ${name}`);
      return found;
    };
    const pods = () =>
      ['Deployment', 'Job', 'Pod']
        .flatMap(ofKind)
        .map((object) => ({ name: object.metadata.name, pod: podOf(object)! }));
    const container = (app: string) => named('Deployment', app).spec.template.spec.containers[0]!;

    test('everything lies in one namespace', () => {
      const outside = manifests.filter(({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== 'tocsin');
      expect(outside).toEqual([]);
    });

    test('an ingress passes a stream unbuffered and lets it be silent for an hour', () => {
      const ingresses = ofKind('Ingress');
      expect(ingresses).toHaveLength(1);
      expect(ingresses[0]!.metadata.annotations).toMatchObject(STREAM_ANNOTATIONS);
    });

    test('no ingress answers CORS, rewrites by snippets or carries what is no annotation', () => {
      const names = ofKind('Ingress').flatMap(({ metadata }) => Object.keys(metadata.annotations ?? {}));
      expect(names.filter((name) => /cors|snippet|upstream-keepalive/.test(name))).toEqual([]);
    });

    test('the ingress leads everything to the public port of the gateway: the page, its documents and the API', () => {
      const paths = ofKind('Ingress').flatMap(({ spec }) => spec.rules.flatMap(({ http }) => http.paths));
      expect(paths.map(({ path, backend }) => [path, backend.service.name, backend.service.port.name])).toEqual([
        ['/', 'gateway', 'http'],
      ]);
      expect(named('Service', 'gateway').spec.ports.find(({ name }) => name === 'http')).toMatchObject({
        port: 8000,
        targetPort: 'http',
      });
    });

    test.each(Object.entries(APPS))('%s listens where its setting, its container and its service say', (app, ports) => {
      const { env, ports: open } = container(app);
      expect(Object.fromEntries(open!.map(({ name, containerPort }) => [name, containerPort]))).toEqual(ports);
      expect(Object.fromEntries(named('Service', app).spec.ports.map(({ name, port }) => [name, port]))).toEqual(ports);
      expect(env).toContainEqual({ name: 'ADMIN_PORT', value: String(ports.admin) });
      if ('http' in ports) expect(env).toContainEqual({ name: 'PORT', value: String(ports.http) });
    });

    test.each(Object.keys(APPS))(
      '%s is probed on its admin port, and a database that is away does not restart it',
      (app) => {
        const { startupProbe, livenessProbe, readinessProbe } = container(app);
        expect(startupProbe?.httpGet).toEqual({ path: '/livez', port: 'admin' });
        expect(livenessProbe?.httpGet).toEqual({ path: '/livez', port: 'admin' });
        expect(readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'admin' });
      },
    );

    test.each(Object.keys(APPS))('%s has time to drain after the pause before its end', (app) => {
      const { containers, terminationGracePeriodSeconds } = named('Deployment', app).spec.template.spec;
      const pauseSeconds = containers[0]!.lifecycle!.preStop.sleep.seconds;
      expect(pauseSeconds).toBeGreaterThan(0);
      expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(pauseSeconds + 30);
    });

    test.each(Object.keys(APPS))('%s is found by its service and by its disruption budget', (app) => {
      const labels = named('Deployment', app).spec.template.metadata.labels;
      expect(labels).toMatchObject(named('Service', app).spec.selector);
      expect(labels).toMatchObject(named('PodDisruptionBudget', app).spec.selector.matchLabels);
    });

    test('every pod runs as a named user, without privileges and without a token of the cluster', () => {
      for (const { name, pod } of pods()) {
        expect({ name, ...pod }).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
        expect({ name, ...pod.securityContext }).toMatchObject({
          runAsNonRoot: true,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
        for (const { securityContext } of pod.containers) {
          expect({ name, ...securityContext }).toMatchObject({
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
          });
        }
      }
    });

    test("every container has its memory, and none can take its neighbour's", () => {
      for (const { pod } of pods()) {
        for (const { name, resources } of pod.containers) {
          expect({ name, memory: resources.limits.memory }).toEqual({ name, memory: resources.requests.memory });
          expect(resources.limits.cpu).toBeUndefined();
        }
      }
    });

    test('the apps and the migration run one image and differ by command', () => {
      const ours = pods().filter(({ name }) => [...Object.keys(APPS), ...JOBS].includes(name));
      expect(ours.length).toBeGreaterThanOrEqual(4);
      const images = new Set(ours.flatMap(({ pod }) => pod.containers.map(({ image }) => image)));
      expect([...images]).toEqual([expect.stringMatching(/(^|\/)tocsin:\d/)]);
      for (const { name, pod } of ours) {
        const app = JOBS.includes(name) ? 'cli' : name;
        const command = pod.containers[0]!.command!.filter((word) => word !== '--watch');
        expect(command.slice(0, 2)).toEqual(['node', `dist/apps/${app}/src/main.js`]);
      }
    });

    test('no image is left to chance: each has a tag that is a version', () => {
      for (const { pod } of pods()) for (const { image } of pod.containers) expect(image).toMatch(/:\d+\.\d+/);
    });

    test.each(Object.keys(APPS))('every secret setting of %s can come from the Secret', async (app) => {
      const secrets = (await secretSettings(app)).filter((name) => !ELSEWHERE.includes(name));
      const fromSecret = container(app).env!.filter(({ name, valueFrom }) => valueFrom?.secretKeyRef?.key === name);
      expect(fromSecret.map(({ name }) => name)).toEqual(expect.arrayContaining(secrets));
    });

    test('a secret is never written into a pod or a map', () => {
      for (const { pod } of pods().filter(({ name }) => name in APPS)) {
        for (const { name, value } of pod.containers[0]!.env!)
          if (/SECRET|TOKEN|_URL$|_KEY$/.test(name)) expect({ name, value }).toEqual({ name, value: undefined });
      }
      for (const { data } of ofKind('ConfigMap'))
        expect(
          Object.keys(data!).filter((name) => /SECRET|SERVICE_TOKEN|PASS|DATABASE|REDIS|RABBIT/.test(name)),
        ).toEqual([]);
    });
  }),
);

describeWith('kustomize', 'what the overlays change', () => {
  const configOf = (folder: string) =>
    kustomize(folder).find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('tocsin-config'))!
      .data!;

  test('the namespace refuses pods that ask for more than these do', () => {
    for (const folder of ['base', 'overlays/dev', 'overlays/prod']) {
      const namespace = kustomize(folder).find(({ kind }) => kind === 'Namespace');
      expect(namespace!.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    }
  });

  test('production takes no token in an address', () => {
    expect(configOf('overlays/prod')).toMatchObject({ STREAM_QUERY_TOKEN: 'deny' });
    expect(configOf('overlays/dev')).not.toHaveProperty('STREAM_QUERY_TOKEN');
  });

  test('a file system that pods can write is for development alone', () => {
    for (const folder of ['base', 'overlays/prod']) {
      const writable = kustomize(folder)
        .filter(({ kind }) => kind === 'Deployment' || kind === 'Job')
        .flatMap(({ spec }) => spec.template.spec.containers)
        .filter(({ securityContext }) => securityContext.readOnlyRootFilesystem !== true);
      expect(writable).toEqual([]);
    }
  });

  test('development brings its own services and no certificate', () => {
    const dev = kustomize('overlays/dev');
    expect(dev.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name)).toEqual(
      expect.arrayContaining(['postgres', 'rabbitmq', 'redis']),
    );
    expect(dev.filter(({ kind }) => kind === 'Ingress').map(({ metadata, spec }) => [metadata.name, spec.tls])).toEqual(
      [['tocsin-dev', undefined]],
    );
  });

  test('upstream-keepalive-timeout stands in the map of the controller', () => {
    expect(kustomize('ingress-nginx')).toEqual([
      expect.objectContaining({
        kind: 'ConfigMap',
        data: { 'upstream-keepalive-timeout': '3600' },
        metadata: { name: 'ingress-nginx-controller', namespace: 'ingress-nginx' },
      }),
    ]);
  });
});

describe('what runs without a cluster', () => {
  test.each(Object.keys(APPS))('%s has as much memory as e2e/memory.load.e2e.spec.ts holds it to', (app) => {
    expect(readText(`infrastructure/kubernetes/base/${app}.yaml`)).toMatch(/limits: \{ memory: 512Mi \}/);
    expect(readText('e2e/memory.load.e2e.spec.ts')).toContain('const LIMIT = 512 * MiB;');
  });

  interface Service {
    image: string;
    command?: string[];
    ports?: string[];
    volumes?: string[];
    healthcheck: { test?: string[]; disable?: boolean };
    environment?: Record<string, unknown>;
    stop_grace_period?: string;
    depends_on?: Record<string, { condition: string }>;
    restart?: string;
    profiles?: string[];
    read_only?: boolean;
  }
  interface Compose {
    services: Record<string, Service>;
    volumes: Record<string, unknown>;
  }
  const readCompose = (file: string) => parse(readText(file), { merge: true }) as Compose;
  const compose = readCompose('docker-compose.yml');
  const service = (name: string) => compose.services[name]!;
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

  test.each([
    ['compose', () => service('smoke').command!],
    ['compose for PostgreSQL alone', () => readCompose('docker-compose.postgres-alone.yml').services.smoke!.command!],
    ['Tilt', () => wordsOf(/in_gateway \+ \[('bench',[^\]]+)\]/, readText('Tiltfile'), 'in_gateway')],
    ['kubectl', () => wordsOf(/kubectl -n tocsin exec deployment\/gateway -- (.+)$/m, readText('docs/install.md'))],
  ])('the smoke test of %s publishes one alert to the gateway and waits for it', (_, command) => {
    expect(command()).toEqual([...SMOKE, '--url', expect.stringMatching(/^http:\/\/(gateway|localhost):8000$/)]);
  });

  test('the smoke test of compose and Tilt waits for all that an alert passes, and signs with the secret of the gateway', () => {
    expect(service('smoke')).toMatchObject({
      restart: 'no',
      depends_on: {
        'demo-tenants': { condition: 'service_completed_successfully' },
        gateway: { condition: 'service_healthy' },
        'alert-processor': { condition: 'service_healthy' },
      },
    });
    expect(service('smoke').environment!.JWT_SECRET).toBe(service('gateway').environment!.JWT_SECRET);
    const [, waits] = /'smoke',[^]*?resource_deps=\[([^\]]*)\]/.exec(readText('Tiltfile'))!;
    expect(waits!.match(/[\w-]+/g)).toEqual(['gateway', 'alert-processor', 'demo-tenants']);
  });

  test('Tilt has the feed of the demo, signed with the secret of the cluster, and does not wait for its end', () => {
    const [, demo] = /^local_resource\(\n {4}'demo',\n([^]*?)^\)/m.exec(readText('Tiltfile'))!;
    expect(demo).toContain("'demo', '--', '--url', 'http://localhost:8000'");
    expect(demo).toContain("auto_init=config.tilt_subcommand == 'up'");
    const [, secret] = /JWT_SECRET=(\S+)/.exec(readText('infrastructure/kubernetes/overlays/dev/kustomization.yaml'))!;
    expect(demo).toContain(`serve_env={'JWT_SECRET': '${secret}'}`);
  });

  describeWith('helm', 'helm test', () => {
    const smoke = (values: object = {}) => helm(values).find(({ kind }) => kind === 'Pod')!;

    test('publishes one alert to the gateway and waits for it, as a user who sees the tenant', () => {
      expect(podOf(smoke())!.containers[0]!.command).toEqual([
        ...[...SMOKE, '--url', 'http://gateway:8000'],
        ...['--tenant', 'north-bakery', '--user', 'ana@example.test'],
      ]);
      const other = smoke({ smoke: { tenant: 'shop', user: 'ben' }, secretName: 'ours' });
      const { command, env } = podOf(other)!.containers[0]!;
      expect(command!.slice(-4)).toEqual(['--tenant', 'shop', '--user', 'ben']);
      const secret = (key: string) => ({
        name: key,
        valueFrom: { secretKeyRef: { name: 'ours', key, optional: true } },
      });
      expect(env).toEqual([secret('JWT_SECRET'), secret('TOCSIN_TOKEN')]);
    });

    test('runs when it is asked for alone, once, and is kept for its log', () => {
      expect(smoke().metadata).toMatchObject({
        labels: { 'app.kubernetes.io/name': 'smoke' },
        annotations: { 'helm.sh/hook': 'test', 'helm.sh/hook-delete-policy': 'before-hook-creation' },
      });
      expect(podOf(smoke())).toMatchObject({ restartPolicy: 'Never', activeDeadlineSeconds: 240 });
    });

    test('is let in to the gateway where a network is closed', () => {
      const policies = helm({ networkPolicies: { enabled: true } }).filter(({ kind }) => kind === 'NetworkPolicy');
      const gateway = policies.find(({ metadata }) => metadata.name === 'gateway')! as unknown as {
        spec: { ingress: { from: object[]; ports: object[] }[] };
      };
      const toPublicPort = gateway.spec.ingress.find(({ ports }) => JSON.stringify(ports) === '[{"port":"http"}]')!;
      expect(toPublicPort.from).toContainEqual({
        podSelector: { matchLabels: { 'app.kubernetes.io/name': 'smoke' } },
      });
    });
  });

  test('compose has a feed of demo alerts, which are published to the gateway and with its secret', () => {
    expect(service('demo')).toMatchObject({
      profiles: ['demo'],
      command: ['node', 'dist/apps/cli/src/main.js', 'demo', '--url', 'http://gateway:8000'],
      depends_on: {
        'demo-tenants': { condition: 'service_completed_successfully' },
        gateway: { condition: 'service_healthy' },
      },
    });
    expect(service('demo').environment!.JWT_SECRET).toBe(service('gateway').environment!.JWT_SECRET);
  });

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

  test('the image runs as a user other than root, and the manifests as the same user', () => {
    const [, finalStage] = readText('Dockerfile').split(/^FROM (?:(?! AS ).)*$/m);
    expect(finalStage).toMatch(/^USER 1000:1000$/m);
    expect(finalStage).toMatch(/^HEALTHCHECK /m);
    expect(finalStage).not.toMatch(/\bnpm\b/);
    expect(readText('infrastructure/kubernetes/base/gateway.yaml')).toContain('runAsUser: 1000');
  });

  test('every file that the image copies is let through by .dockerignore', () => {
    const let_through = readText('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...readText('Dockerfile').matchAll(/^COPY --chown=node:node (.+) \S+$/gm)].flatMap(([, files]) =>
      files!.split(' '),
    );
    expect(copied.length).toBeGreaterThan(0);
    for (const file of copied) {
      expect(let_through).toContain(file);
      expect(existsSync(join(root, file))).toBe(true);
    }
  });

  test('a gateway keeps idle connections longer than any proxy that is configured here', () => {
    // the default that the settings' schema has written there
    const keptSeconds = Number(/^#IDLE_CONNECTION_MS=(\d+)$/m.exec(readText('.env.example'))![1]) / 1000;
    const [controller] = parseAllDocuments(
      readText('infrastructure/kubernetes/ingress-nginx/controller-config.yaml'),
    ).map((document) => document.toJS() as Manifest);
    const [, nginx] = /^ *keepalive_timeout (\d+)s;$/m.exec(readText('infrastructure/proxies/nginx.conf'))!;
    const [, caddy] = /^\s*keepalive (\d+)s$/m.exec(readText('infrastructure/proxies/Caddyfile'))!;
    for (const proxySeconds of [controller!.data!['upstream-keepalive-timeout'], nginx, caddy].map(Number))
      expect(keptSeconds).toBeGreaterThanOrEqual(proxySeconds + 30);
    for (const file of [
      'docker-compose.yml',
      'infrastructure/kubernetes/base/gateway.yaml',
      'infrastructure/kubernetes/base/kustomization.yaml',
    ])
      expect(readText(file)).not.toContain('IDLE_CONNECTION_MS');
  });

  test.each([
    ['nginx.conf', /proxy_read_timeout (\d+)s;/],
    ['haproxy.cfg', /timeout server (\d+)s/],
    ['haproxy.cfg', /timeout client (\d+)s/],
    ['Caddyfile', /read_timeout (\d+)s/],
  ])('%s waits for many heartbeats of a quiet stream: %s', (file, limit) => {
    const [, heartbeatMs] = /^#HEARTBEAT_MS=(\d+)$/m.exec(readText('.env.example'))!;
    const [, seconds] = limit.exec(readText(`infrastructure/proxies/${file}`))!;
    expect(Number(seconds) * 1_000).toBeGreaterThan(10 * Number(heartbeatMs));
  });

  test('nginx does what the annotations of the ingress say', () => {
    const nginx = readText('infrastructure/proxies/nginx.conf');
    const [ingress] = parseAllDocuments(readText('infrastructure/kubernetes/base/ingress-https.yaml')).map(
      (document) => document.toJS() as Manifest,
    );
    for (const name of Object.keys(STREAM_ANNOTATIONS)) {
      const directive = name.slice(NGINX.length).replaceAll('-', '_');
      const value = ingress!.metadata.annotations![name]!;
      expect(nginx).toContain(`${directive} ${/timeout$/.test(directive) ? `${value}s` : value};`);
    }
    expect(nginx).toContain('keepalive_timeout 3600s;');
  });
});
