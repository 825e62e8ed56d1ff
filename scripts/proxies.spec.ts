import { parseAllDocuments } from 'yaml';
import { NGINX, readText, STREAM_ANNOTATIONS } from './manifests/deployed';
import type { Manifest } from './manifests/render';

describe('the proxies', () => {
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
