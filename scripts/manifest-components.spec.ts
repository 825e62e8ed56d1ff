import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWith } from '../e2e/kit/programs';
import { kustomize, type Manifest } from './manifests/render';
import { COMPONENTS, withComponents } from './manifests/sources';

// The other ways in, as an overlay for production has them. None of them was tried in a cluster.

/** A Gateway API route, a route of Traefik or a policy: what these tests read of it. */
type Way = Omit<Manifest, 'spec'> & {
  spec: {
    hostnames: string[];
    rules: { matches: object[]; timeouts?: object; backendRefs?: object[] }[];
    routes: { services: object[] }[];
    targetRefs?: object[];
    timeout: { http: Record<string, string> } & Record<string, string>;
    circuitBreaker: Record<string, number>;
    buffering: object;
    body: object;
    forwardingTimeouts: Record<string, string>;
  };
};

/** A default that the settings' schema has written into .env.example. */
const settingOf = (name: string) => {
  const text = readFileSync(join(__dirname, '..', '.env.example'), 'utf8');
  return Number(new RegExp(`^#${name}=(\\d+)$`, 'm').exec(text)![1]);
};
const secondsOf = (duration: string) => Number(/^(\d+)s$/.exec(duration)![1]);

describeWith('kustomize', 'components in place of the Ingress', () => {
  const rendered = new Map<string, Way[]>();
  beforeAll(() => {
    for (const names of COMPONENTS) rendered.set(names.at(-1)!, withComponents(names) as unknown as Way[]);
  });
  const found = (component: string, kind: string, name = 'tocsin') => {
    const object = rendered.get(component)!.find((one) => one.kind === kind && one.metadata.name === name);
    if (!object) throw new Error(`no ${kind} ${name}`);
    return object;
  };

  test.each(COMPONENTS.map((names) => names.at(-1)!))('%s changes nothing else', (component) => {
    const kinds = new Set(kustomize('overlays/prod').map(({ kind }) => kind));
    const usual = rendered.get(component)!.filter(({ kind }) => kinds.has(kind));
    expect(usual).toEqual(kustomize('overlays/prod').filter(({ kind }) => kind !== 'Ingress'));
  });

  test.each(['gateway-api', 'gateway-api/envoy', 'gateway-api/nginx'])(
    '%s leads everything to the public port of the gateway, and plain http to https',
    (component) => {
      const { hostnames, rules } = found(component, 'HTTPRoute').spec;
      expect(hostnames).toEqual(['tocsin.example.com']);
      expect(rules.map(({ matches }) => matches)).toEqual(
        ['/api/events', '/'].map((value) => [{ path: { type: 'PathPrefix', value } }]),
      );
      for (const { backendRefs } of rules) expect(backendRefs).toEqual([{ name: 'gateway', port: 8000 }]);
      const { spec } = found(component, 'HTTPRoute', 'tocsin-to-https');
      expect(spec.rules).toEqual([
        { filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }] },
      ]);
    },
  );

  test('a stream has no end, and other requests have longer than the gateway gives them', () => {
    const [streams, others] = found('gateway-api', 'HTTPRoute').spec.rules;
    expect(streams!.timeouts).toEqual({ request: '0s', backendRequest: '0s' });
    const [, limit] = /^const REQUEST_TIMEOUT_MS = (\d+)_000;$/m.exec(
      readFileSync(join(__dirname, '..', 'apps/gateway/src/http-server.ts'), 'utf8'),
    )!;
    for (const duration of Object.values(others!.timeouts!) as string[])
      expect(secondsOf(duration)).toBeGreaterThan(Number(limit));
  });

  test('Envoy lets a stream be silent for an hour, and holds as many as the gateways do', () => {
    const browsers = found('gateway-api/envoy', 'ClientTrafficPolicy').spec;
    const { spec } = found('gateway-api/envoy', 'BackendTrafficPolicy');
    expect(browsers.targetRefs).toEqual([{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'tocsin' }]);
    expect(spec.targetRefs).toEqual([{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'tocsin' }]);
    expect(browsers.timeout.http).toMatchObject({ streamIdleTimeout: '3600s' });
    expect(spec.timeout.http).toMatchObject({ streamIdleTimeout: '3600s', maxStreamDuration: '0s' });
    for (const limit of ['maxConnections', 'maxParallelRequests'])
      expect(spec.circuitBreaker[limit]).toBeGreaterThanOrEqual(10 * settingOf('MAX_STREAMS'));
  });

  test('no access log of Envoy has the query of an address', () => {
    const text = JSON.stringify(found('gateway-api/envoy', 'EnvoyProxy').spec);
    expect(text).toContain('%PATH(NQ)%');
    expect(text).not.toMatch(/REQ\(:PATH\)|ORIGINAL-PATH|REFERER/i);
    expect(found('gateway-api/envoy', 'Gateway').spec).toMatchObject({
      gatewayClassName: 'eg',
      infrastructure: { parametersRef: { group: 'gateway.envoyproxy.io', kind: 'EnvoyProxy', name: 'tocsin' } },
    });
  });

  test('NGINX Gateway Fabric is told what the annotations tell ingress-nginx, and nothing that it does not know', () => {
    const { spec } = found('gateway-api/nginx', 'ProxySettingsPolicy');
    const ingress = kustomize('base').find(({ kind }) => kind === 'Ingress')!.metadata.annotations!;
    const annotation = (name: string) => ingress[`nginx.ingress.kubernetes.io/proxy-${name}`]!;
    expect([spec.buffering, annotation('buffering')]).toEqual([{ disable: true }, 'off']);
    for (const name of ['connect', 'read', 'send'])
      expect(spec.timeout[name]).toBe(`${annotation(`${name}-timeout`)}s`);
    const body = found('gateway-api/nginx', 'ClientSettingsPolicy').spec.body;
    expect(body).toEqual({ maxSize: annotation('body-size') });
    for (const { timeouts } of found('gateway-api/nginx', 'HTTPRoute').spec.rules) expect(timeouts).toBeUndefined();
  });

  test('Traefik leads everything to the public port of the gateway', () => {
    expect(found('traefik', 'IngressRoute').spec.routes).toEqual([
      {
        kind: 'Rule',
        match: 'Host(`tocsin.example.com`)',
        services: [{ name: 'gateway', port: 'http', serversTransport: 'tocsin' }],
      },
    ]);
  });

  test('a gateway keeps idle connections longer than Envoy and Traefik do', () => {
    const keptSeconds = settingOf('IDLE_CONNECTION_MS') / 1000;
    const { http } = found('gateway-api/envoy', 'BackendTrafficPolicy').spec.timeout;
    const { idleConnTimeout } = found('traefik', 'ServersTransport').spec.forwardingTimeouts;
    for (const duration of [http.connectionIdleTimeout!, idleConnTimeout!])
      expect(keptSeconds).toBeGreaterThanOrEqual(secondsOf(duration) + 30);
  });
});
