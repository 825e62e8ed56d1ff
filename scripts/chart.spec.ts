import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describeWith } from '../e2e/kit/programs';
import { chart, helm, kustomize, objectsOf, podOf, runHelm, type Manifest } from './manifests/render';
import { ADDITIONS, BEHIND_A_GATEWAY, PRODUCTION_VALUES, withComponents } from './manifests/sources';

const root = join(__dirname, '..');

/** What Helm adds to each object, and the chart to each pod. */
const HELM_LABELS = ['instance', 'managed-by', 'version'].map((name) => `app.kubernetes.io/${name}`);
const CHECKSUM = 'checksum/config';
const MIGRATION_CONFIG = 'tocsin-config-migrate';

const nameOf = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`;
const found = (objects: Manifest[], name: string) => {
  const object = objects.find((one) => nameOf(one) === name);
  if (!object) throw new Error(`no ${name}`);
  return object;
};
const byName = (objects: Manifest[]) =>
  Object.fromEntries(objects.map((object): [string, Manifest] => [nameOf(object), object]));
const without = <T extends object>(object: T | undefined, names: string[]) =>
  Object.fromEntries(Object.entries(object ?? {}).filter(([name]) => !names.includes(name)));

/** The chart's objects as kustomize would have them: without what only Helm has, as its test. */
const asKustomize = (objects: Manifest[]) =>
  byName(
    objects
      .filter(({ kind, metadata }) => metadata.name !== MIGRATION_CONFIG && kind !== 'Pod')
      .map((object) => {
        const copy = structuredClone(object);
        copy.metadata.labels = without(copy.metadata.labels, [...HELM_LABELS, 'helm.sh/chart']) as never;
        if (copy.kind === 'Job') delete copy.metadata.annotations;
        const template = copy.spec?.template;
        if (template) {
          expect(Object.keys(template.metadata.annotations!)).toEqual([CHECKSUM]);
          delete template.metadata.annotations;
        }
        return JSON.parse(JSON.stringify(copy).replaceAll(MIGRATION_CONFIG, 'tocsin-config')) as Manifest;
      }),
  );

/** Kustomize's objects without the namespace, which Helm makes, and without the hash in the name of the map. */
const asHelm = (objects: Manifest[]) => {
  const text = JSON.stringify(objects.filter(({ kind }) => kind !== 'Namespace'));
  return byName(JSON.parse(text.replace(/tocsin-config-[0-9a-z]{10}/g, 'tocsin-config')) as Manifest[]);
};

function expectSame(ofChart: Manifest[], ofKustomize: Manifest[]): void {
  const [made, wanted] = [asKustomize(ofChart), asHelm(ofKustomize)];
  expect(Object.keys(made).sort()).toEqual(Object.keys(wanted).sort());
  for (const [name, object] of Object.entries(made)) expect({ name, object }).toEqual({ name, object: wanted[name] });
}

describeWith('helm', 'the chart and the manifests', () => {
  describeWith('kustomize', 'one by one', () => {
    test.each([
      ['base', []],
      ['overlays/prod', ['--values', PRODUCTION_VALUES]],
    ])('are the same objects as those of %s', (folder, options) => {
      expectSame(helm({}, ...options), kustomize(folder));
    });

    test.each(ADDITIONS)('are the same objects with $component', ({ component, values }) => {
      expectSame(helm(values, '--values', PRODUCTION_VALUES), withComponents([component]));
    });

    test('have the same route of Gateway API', () => {
      const { spec } = found(helm(BEHIND_A_GATEWAY), 'HTTPRoute tocsin');
      expect(spec).toEqual(found(withComponents(['gateway-api']), 'HTTPRoute tocsin').spec);
      const elsewhere = helm({ ...BEHIND_A_GATEWAY, gatewayApi: { enabled: true, gateway: 'all', namespace: 'edge' } });
      expect(found(elsewhere, 'HTTPRoute tocsin').spec).toMatchObject({
        parentRefs: [{ name: 'all', namespace: 'edge', sectionName: 'https' }],
      });
    });

    test('the comparison sees a probe, a limit and a setting that differ', () => {
      const wanted = asHelm(kustomize('base'));
      const objects = helm({ config: { LOG_LEVEL: 'debug' }, notifier: { resources: { limits: { memory: '1Gi' } } } });
      const made = asKustomize(objects);
      const different = Object.keys(made).filter((name) => JSON.stringify(made[name]) !== JSON.stringify(wanted[name]));
      expect(different).toEqual(expect.arrayContaining(['ConfigMap tocsin-config', 'Deployment notifier']));
      expect(() => expect(made['Deployment notifier']).toEqual(wanted['Deployment notifier'])).toThrow('512Mi');
    });
  });

  test('chart, apps and package have one version', () => {
    const { version, appVersion } = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8')) as Record<string, string>;
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect([version, appVersion]).toEqual([manifest.version, manifest.version]);
  });

  test('helm lint has nothing to say, with the values for production too', () => {
    for (const options of [[], ['--values', PRODUCTION_VALUES]]) {
      const said = runHelm(['lint', chart, '--strict', ...options]);
      expect(said).toContain('1 chart(s) linted, 0 chart(s) failed');
      expect(said).not.toMatch(/WARNING|ERROR/);
    }
  });
});

/** Values that change something of everything, so that it is rendered once. */
const DIGEST = `sha256:${'0'.repeat(64)}`;
const CHANGED = {
  secretName: 'ours',
  image: { repository: 'registry.example.org/tocsin', digest: DIGEST, pullSecrets: [{ name: 'login' }] },
  config: { RING_BYTES: 268_435_456, STREAM_RATE: 0.5, PAGE: false, TENANT_SERVICE_URL: null },
  ingress: {
    host: 'alerts.example.org',
    tlsSecret: 'alerts-tls',
    className: 'other',
    annotations: { a: 'b', 'nginx.ingress.kubernetes.io/ssl-redirect': null },
  },
  gateway: {
    env: { MAX_STREAMS: 1_000_000, PORT: 8000 },
    secretEnv: ['JWT_SECRET', 'A_NEW_ONE'],
    secretKeys: { DATABASE_URL: 'gateway.database', REDIS_URL: 'gateway.redis', A_NEW_ONE: 'NEW' },
    podLabels: { team: 'alerts', 'app.kubernetes.io/name': 'another' },
    podAnnotations: { note: 'read' },
    podSpec: { nodeSelector: { disk: 'fast' }, priorityClassName: 'high' },
  },
};
const REFUSED = {
  gatway: {},
  gateway: { replica: 2, replicas: 0 },
  autoscaling: { minReplicas: 0 },
  networkPolicies: { monitoringNamespaces: [] },
  config: { 'log-level': 'info', JWT_SECRET: 'known to everybody' },
  image: { tag: 'latest' },
  notifier: { podSpec: { containers: [] }, env: { SMTP_URL: 'smtp://a:b@c' } },
};

describeWith('helm', 'what the values change', () => {
  const changed = () => helm(CHANGED);
  const gateway = () => found(changed(), 'Deployment gateway').spec.template;
  const config = () => found(changed(), 'ConfigMap tocsin-config').data!;

  test('a large number stays the number that it is, and a null takes a setting away', () => {
    expect(config()).toMatchObject({ RING_BYTES: '268435456', STREAM_RATE: '0.5', PAGE: 'false', LOG_LEVEL: 'info' });
    expect(config()).not.toHaveProperty('TENANT_SERVICE_URL');
  });

  test('a variable of an app is given once', () => {
    const env = gateway().spec.containers[0]!.env!;
    expect(env).toContainEqual({ name: 'MAX_STREAMS', value: '1000000' });
    const secret = (name: string, key = name) => ({ name, valueFrom: { secretKeyRef: { name: 'ours', key } } });
    expect(env).toEqual(expect.arrayContaining([secret('JWT_SECRET'), secret('A_NEW_ONE', 'NEW')]));
    const names = env.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });

  test('an app takes a secret from a key of its own, which is as optional as the usual one, and the others keep theirs', () => {
    const keyOf = (deployment: string, setting: string) =>
      found(changed(), deployment).spec.template.spec.containers[0]!.env!.find(({ name }) => name === setting)!
        .valueFrom!.secretKeyRef;
    expect(keyOf('Deployment gateway', 'DATABASE_URL')).toEqual({ name: 'ours', key: 'gateway.database' });
    expect(keyOf('Deployment gateway', 'REDIS_URL')).toEqual({ name: 'ours', key: 'gateway.redis', optional: true });
    for (const other of ['Deployment alert-processor', 'Deployment notifier', 'Job migrate'])
      expect(keyOf(other, 'DATABASE_URL')).toEqual({ name: 'ours', key: 'DATABASE_URL' });
    expect(() => helm({ notifier: { secretKeys: { DATABASE_ULR: 'A' } } })).toThrow(
      'DATABASE_ULR in secretKeys is no setting that the pod takes from the Secret',
    );
  });

  test('the host of the ingress is the origin that the gateway expects', () => {
    const { spec, metadata } = found(changed(), 'Ingress tocsin-https');
    expect(spec.rules[0]!.host).toBe('alerts.example.org');
    expect(spec.tls).toEqual([{ hosts: ['alerts.example.org'], secretName: 'alerts-tls' }]);
    expect(spec).toMatchObject({ ingressClassName: 'other' });
    expect(metadata.annotations).toMatchObject({ a: 'b' });
    expect(metadata.annotations).not.toHaveProperty(['nginx.ingress.kubernetes.io/ssl-redirect']);
    expect(config()).toMatchObject({ CORS_ORIGINS: 'https://alerts.example.org' });
  });

  test('another name, image or Secret is used everywhere', () => {
    const pods = changed().flatMap((object) => podOf(object) ?? []);
    expect(pods).toHaveLength(5);
    for (const pod of pods) {
      expect(pod).toMatchObject({ imagePullSecrets: [{ name: 'login' }] });
      expect(pod.containers[0]!.image).toBe(`registry.example.org/tocsin@${DIGEST}`);
    }
    expect(JSON.stringify(changed())).not.toMatch(/tocsin-secrets|tocsin\.example\.com|tocsin-tls/);
  });

  test('a pod gets what else it needs, and keeps its profile', () => {
    expect(gateway().metadata.labels).toEqual({ 'app.kubernetes.io/name': 'gateway', team: 'alerts' });
    expect(gateway().metadata.annotations).toMatchObject({ note: 'read', [CHECKSUM]: expect.any(String) as string });
    expect(gateway().spec).toMatchObject({
      nodeSelector: { disk: 'fast' },
      priorityClassName: 'high',
      securityContext: { runAsNonRoot: true },
    });
  });

  test('the autoscaler has the numbers of the values, and the Deployment none of its own', () => {
    const autoscaling = { enabled: true, minReplicas: 4, maxReplicas: 40, streams: 1_500_000 };
    const objects = helm({ autoscaling, gateway: { replicas: 2 } });
    expect(found(objects, 'HorizontalPodAutoscaler gateway').spec).toMatchObject({
      minReplicas: 4,
      maxReplicas: 40,
      metrics: [{ pods: { target: { averageValue: '1500000' } } }, {}],
    });
    expect(found(objects, 'Deployment gateway').spec).not.toHaveProperty('replicas');
    expect(found(objects, 'Deployment notifier').spec.replicas).toBe(2);
  });

  test('the network policies name the namespaces of the values, each where it is meant', () => {
    const networkPolicies = { enabled: true, ingressNamespaces: ['edge'], monitoringNamespaces: ['watch'] };
    const ingress = helm({ networkPolicies }).flatMap(({ kind, spec }) =>
      kind === 'NetworkPolicy' ? [JSON.stringify((spec as { ingress?: object }).ingress ?? [])] : [],
    );
    expect(ingress.map((text) => [...text.matchAll(/"values":\["(\w+)"\]/g)].map(([, name]) => name))).toEqual(
      expect.arrayContaining([['watch', 'edge'], ['watch'], ['watch'], [], []]),
    );
  });

  test('what is off is not made', () => {
    const names = helm({ ingress: { enabled: false }, migrate: { enabled: false } }).map(nameOf);
    expect(names.filter((name) => /Ingress|Job|migrate|Autoscaler|NetworkPolicy/.test(name))).toEqual([]);
  });

  test('what cannot be meant is refused by name: misspelt keys, no replica, latest, a secret among the settings', () => {
    let said = '';
    try {
      helm(REFUSED);
    } catch (error) {
      said = (error as { stderr: string }).stderr;
    }
    for (const name of ['gatway', 'replica', 'log-level', 'JWT_SECRET', 'SMTP_URL'])
      expect(said).toMatch(new RegExp(`(additional propert|propertyName).*'${name}'`));
    expect(said).toMatch(/gateway\/replicas.*minimum/);
    expect(said).toMatch(/image\/tag/);
    expect(said).toMatch(/autoscaling\/minReplicas.*minimum/);
    expect(said).toMatch(/networkPolicies\/monitoringNamespaces/);
    expect(said).toMatch(/podSpec\/containers/);
  });

  test('every key that the Secret may have is refused among the settings', () => {
    const { definitions } = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as {
      definitions: { settings: { propertyNames: { not: { enum: string[] } } } };
    };
    const containers = helm().flatMap((object) => podOf(object)?.containers ?? []);
    const keys = containers.flatMap(({ env = [] }) =>
      env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.key ?? []),
    );
    expect(definitions.settings.propertyNames.not.enum.sort()).toEqual([...new Set([...keys, 'DB_PASS'])].sort());
  });

  test('the notes say where the page is, what is weak and what is missing', () => {
    const notesOf = (values: object, ...options: string[]) =>
      runHelm(['install', 'tocsin', chart, '--dry-run=client', '--namespace', 'tocsin', ...options], values).split(
        'NOTES:',
      )[1]!;
    expect(notesOf({})).toMatch(/https:\/\/tocsin\.example\.com\/[^]*Weak: addresses may hold tokens/);
    expect(notesOf({}, '--values', PRODUCTION_VALUES)).not.toContain('Weak');
    const bare = notesOf({ ingress: { enabled: false }, migrate: { enabled: false } });
    expect(bare).toMatch(/port-forward service\/gateway 8000:http[^]*migrate\.enabled is false/);
  });
});

describeWith('helm', 'an upgrade', () => {
  const podsOf = (objects: Manifest[]) =>
    Object.fromEntries(
      objects
        .filter(({ kind }) => kind === 'Deployment')
        .map((object) => [object.metadata.name, object.spec.template] as const),
    );

  /** The chart at another version, as the next release has it. */
  function nextRelease<T>(version: string, use: (path: string) => T): T {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-chart-'));
    try {
      cpSync(chart, folder, { recursive: true, dereference: true });
      const file = join(folder, 'Chart.yaml');
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll('0.1.0', version));
      return use(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  // Kubernetes refuses another selector: the Deployment would have to be deleted, and all its pods with it.
  test('the selectors are those of every release', () => {
    const selectors = helm()
      .filter(({ kind }) => kind === 'Deployment')
      .map(({ metadata, spec }) => [metadata.name, spec.selector]);
    expect(Object.fromEntries(selectors)).toEqual(
      Object.fromEntries(
        ['gateway', 'alert-processor', 'notifier'].map((name) => [
          name,
          { matchLabels: { 'app.kubernetes.io/name': name } },
        ]),
      ),
    );
  });

  test('to another version, other values and another release name keeps names and selectors', () => {
    const before = helm();
    const after = nextRelease('0.2.0', (path) =>
      objectsOf(
        runHelm(['template', 'another', path, '--namespace', 'tocsin', '--is-upgrade'], {
          gateway: { replicas: 5, podLabels: { team: 'alerts' }, env: { MAX_STREAMS: 5 } },
          config: { LOG_LEVEL: 'debug' },
        }),
      ),
    );
    expect(after.map(nameOf).sort()).toEqual(before.map(nameOf).sort());
    for (const object of after.filter(({ kind }) => kind === 'Deployment'))
      expect(object.spec.selector).toEqual(found(before, nameOf(object)).spec.selector);
    expect(found(after, 'Deployment gateway').spec.template.spec.containers[0]!.image).toBe('tocsin:0.2.0');
  });

  test('never meets the Job of the last one: Helm deletes it and waits for the new one before it changes anything', () => {
    const objects = helm({}, '--is-upgrade');
    const hooks = objects.filter(({ metadata }) => /upgrade/.test(metadata.annotations?.['helm.sh/hook'] ?? ''));
    expect(hooks.map(nameOf).sort()).toEqual([`ConfigMap ${MIGRATION_CONFIG}`, 'Job migrate']);
    for (const { metadata } of hooks)
      expect(metadata.annotations).toMatchObject({
        'helm.sh/hook': 'pre-install,pre-upgrade',
        'helm.sh/hook-delete-policy': 'before-hook-creation',
      });
    expect(objects.filter(({ kind }) => kind === 'Job')).toHaveLength(1);
    const [config, job] = hooks.sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
    const weight = ({ metadata }: Manifest) => Number(metadata.annotations!['helm.sh/hook-weight']);
    expect(weight(config!)).toBeLessThan(weight(job!));
    expect(config!.data).toEqual(found(objects, 'ConfigMap tocsin-config').data);
    // what the migration refers to is there before the release is: its own map, and the operator's Secret
    const refers = [...JSON.stringify(job).matchAll(/"(?:configMapRef|secretKeyRef)":\{[^}]*"name":"([^"]+)"/g)];
    expect(new Set(refers.map(([, name]) => name))).toEqual(new Set([MIGRATION_CONFIG, 'tocsin-secrets']));
  });

  test('of the chart alone restarts no pod, and a changed setting restarts all', () => {
    const before = podsOf(helm());
    const chartAlone = nextRelease('0.1.1', (path) =>
      objectsOf(runHelm(['template', 'tocsin', path, '--namespace', 'tocsin'], { image: { tag: '0.1.0' } })),
    );
    expect(podsOf(chartAlone)).toEqual(before);
    const changed = podsOf(helm({ config: { LOG_LEVEL: 'debug' } }));
    for (const [name, { metadata }] of Object.entries(changed))
      expect(metadata.annotations![CHECKSUM]).not.toBe(before[name]!.metadata.annotations![CHECKSUM]);
  });
});
