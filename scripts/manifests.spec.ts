import { describeWith } from '../e2e/kit/programs';
import { APPS, readText, STREAM_ANNOTATIONS } from './manifests/deployed';
import { kustomize, podOf, type Manifest } from './manifests/render';
import { secretSettings } from './manifests/secret-settings';
import { SOURCES } from './manifests/sources';

/** What runs once, with the command line. */
const JOBS = ['migrate', 'demo-tenants', 'smoke'];
/** The manifests give the whole address of the database, and its owner to the migration alone. */
const ELSEWHERE = ['DB_PASS', 'DATABASE_MIGRATION_URL'];

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

test.each(Object.keys(APPS))('%s has as much memory as e2e/memory.load.e2e.spec.ts holds it to', (app) => {
  expect(readText(`infrastructure/kubernetes/base/${app}.yaml`)).toMatch(/limits: \{ memory: 512Mi \}/);
  expect(readText('e2e/memory.load.e2e.spec.ts')).toContain('const LIMIT = 512 * MiB;');
});
