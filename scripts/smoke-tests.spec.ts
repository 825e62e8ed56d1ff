import { describeWith } from '../e2e/kit/programs';
import { readCompose, service } from './manifests/compose';
import { readText, SMOKE } from './manifests/deployed';
import { helm, podOf } from './manifests/render';

/** The words of a command that stands in a text: in quotes, or separated by spaces. */
function wordsOf(pattern: RegExp, text: string, before?: string): string[] {
  const [, written] = pattern.exec(text) ?? [];
  const words = (line: string) => [...line.matchAll(/'([^']*)'/g)].map(([, word]) => word!);
  if (before === undefined) return written?.split(' ') ?? [];
  const [, prefix] = new RegExp(`^${before} = \\[(.*)\\]$`, 'm').exec(text) ?? [];
  const all = [...words(prefix ?? ''), ...words(written ?? '')];
  return all.slice(all.indexOf('--') + 1);
}

describe('each way to deploy', () => {
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
});
