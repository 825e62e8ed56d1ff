import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Metrics } from '@tocsin/observability';
import { aboutSetting } from '@tocsin/settings';
import type { z } from 'zod';
import { describedApp } from '../apps/gateway/src/docs/testing/described-app.docs';
import { describeWith } from '../e2e/kit/programs';
import { APPS } from './manifests/deployed';
import { kustomize, type Manifest } from './manifests/render';
import { COMPONENTS, withComponents } from './manifests/sources';

// The other ways in, as an overlay for production has them. None of them was tried in a cluster.

/** A Gateway API route, a route of Traefik or a policy: what these tests read of it. */
type Way = Omit<Manifest, 'spec'> & {
  spec: {
    hostnames: string[];
    hosts: string[];
    rules: { matches: object[]; timeouts?: Record<string, string>; backendRefs?: object[] }[];
    http: {
      match?: { uri?: { prefix?: string; regex?: string }; method?: { exact: string } }[];
      timeout: string;
      retries: { retryOn: string };
      route: object[];
      corsPolicy?: object;
    }[];
    routes: { services: object[] }[];
    targetRefs?: object[];
    timeout: { http: Record<string, string> } & Record<string, string>;
    circuitBreaker: Record<string, number>;
    buffering: object;
    body: object;
    forwardingTimeouts: Record<string, string>;
    trafficPolicy: {
      connectionPool: { tcp: { maxConnections: number }; http: { http2MaxRequests: number; idleTimeout: string } };
    };
  };
};

/** The rule of an HTTPRoute that takes a path: the one with the longest prefix of whole segments. */
const routeOf = (rules: Way['spec']['rules'], path: string) =>
  rules
    .flatMap((rule) =>
      (rule.matches as { path: { value: string } }[]).map((match) => ({ rule, prefix: match.path.value })),
    )
    .filter(({ prefix }) => `${path}/`.startsWith(`${prefix.replace(/\/$/, '')}/`))
    .sort((a, b) => b.prefix.length - a.prefix.length)[0]!.rule;

interface Described {
  responses: Record<string, { content?: object }>;
}

/** The addresses of the gateway that answer GET with a stream, as its OpenAPI document has them. */
async function addressesOfStreams(): Promise<string[]> {
  const app = await describedApp();
  try {
    const { openApi } = (await import(join(__dirname, '..', 'apps/gateway/src/docs/openapi.docs'))) as {
      openApi: (of: object, version: string) => Promise<{ paths: Record<string, { get?: Described }> }>;
    };
    return Object.entries((await openApi(app, '')).paths)
      .filter(([, { get }]) =>
        Object.values(get?.responses ?? {}).some(({ content = {} }) => 'text/event-stream' in content),
      )
      .map(([path]) => path.replace(/\{\w+\}/g, 'x'));
  } finally {
    await app.close();
  }
}

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

  /** The route of Istio that takes a request: the first that matches. */
  const istioRouteOf = (asked: string, path: string) =>
    found('istio', 'VirtualService').spec.http.find(
      ({ match }) =>
        !match ||
        match.some(
          ({ uri = {}, method }) =>
            path.startsWith(uri.prefix ?? '') &&
            new RegExp(`^(${uri.regex ?? '.*'})$`).test(path) &&
            (method?.exact ?? asked) === asked,
        ),
    )!;

  test.each(COMPONENTS.map((names) => names.at(-1)!))('%s changes nothing else', (component) => {
    const others = kustomize('overlays/prod').filter(({ kind }) => kind !== 'Ingress');
    const kinds = new Set(others.map(({ kind }) => kind));
    expect(rendered.get(component)!.filter(({ kind }) => kinds.has(kind))).toEqual(others);
    const ingresses = rendered.get(component)!.filter(({ kind }) => kind === 'Ingress');
    expect(ingresses).toHaveLength(component === 'f5-nginx' ? 1 : 0);
  });

  test.each(['gateway-api', 'gateway-api/envoy', 'gateway-api/nginx'])(
    '%s leads everything to the public port of the gateway, and plain http to https',
    (component) => {
      const { hostnames, rules } = found(component, 'HTTPRoute').spec;
      expect(hostnames).toEqual(['tocsin.example.com']);
      expect(rules.map(({ matches }) => matches)).toEqual([[{ path: { type: 'PathPrefix', value: '/' } }]]);
      for (const { backendRefs } of rules) expect(backendRefs).toEqual([{ name: 'gateway', port: 8000 }]);
      const { spec } = found(component, 'HTTPRoute', 'tocsin-to-https');
      expect(spec.rules).toEqual([
        { filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }] },
      ]);
    },
  );

  test('no answer that may be a stream has an end: of any route, below a base path, of another service', async () => {
    const streams = await addressesOfStreams();
    expect(streams).toEqual(expect.arrayContaining(['/api/events', '/api/v1/topics/x/events']));
    const limitsOf = {
      'gateway-api': (path: string) => routeOf(found('gateway-api', 'HTTPRoute').spec.rules, path).timeouts!,
      istio: (path: string) => ({ timeout: istioRouteOf('GET', path).timeout }),
    };
    const limited = Object.entries(limitsOf).flatMap(([component, limits]) =>
      [...streams, ...streams.map((path) => `/tocsin${path}`), '/auth/changes']
        .map((path) => ({ component, path, ...limits(path) }))
        .filter(({ component: _, path: __, ...each }) => Object.values(each).some((duration) => duration !== '0s')),
    );
    expect(limited).toEqual([]);
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

  test('F5 NGINX Ingress Controller is told what ingress-nginx is told, in its own words and no others', () => {
    const [usual, changed] = [kustomize('base'), rendered.get('f5-nginx')!].map((objects) => {
      const { metadata, spec } = (objects as Manifest[]).find(({ kind }) => kind === 'Ingress')!;
      return { annotations: metadata.annotations!, spec };
    });
    expect(changed!.spec).toEqual(usual!.spec);
    const seconds = (name: string) => `${usual!.annotations[`nginx.ingress.kubernetes.io/${name}`]}s`;
    expect(changed!.annotations).toEqual({
      'ingress.kubernetes.io/ssl-redirect': usual!.annotations['nginx.ingress.kubernetes.io/ssl-redirect'],
      'nginx.org/proxy-buffering': 'false',
      'nginx.org/proxy-read-timeout': seconds('proxy-read-timeout'),
      'nginx.org/proxy-send-timeout': seconds('proxy-send-timeout'),
      'nginx.org/proxy-connect-timeout': seconds('proxy-connect-timeout'),
      'nginx.org/client-max-body-size': usual!.annotations['nginx.ingress.kubernetes.io/proxy-body-size'],
      'nginx.org/lb-method': 'least_conn',
      'nginx.org/keepalive': '320',
    });
  });

  test('Istio leads everything to the public port of the gateway, and repeats no request that was answered', () => {
    const { hosts, http } = found('istio', 'VirtualService').spec;
    expect(hosts).toEqual(['tocsin.example.com']);
    expect(http.at(-1)).not.toHaveProperty('match');
    for (const { route, retries, corsPolicy } of http) {
      expect(route).toEqual([{ destination: { host: 'gateway', port: { number: 8000 } } }]);
      expect(retries.retryOn).not.toMatch(/5|unavailable/);
      expect(corsPolicy).toBeUndefined();
    }
  });

  test('Istio repeats a request whose connection was cut where it opens a stream, and none that publishes', async () => {
    for (const path of (await addressesOfStreams()).flatMap((path) => [path, `/tocsin${path}`])) {
      expect({ path, ...istioRouteOf('GET', path).retries }).toMatchObject({
        path,
        retryOn: expect.stringMatching(/,reset$/) as string,
      });
      expect({ path, ...istioRouteOf('POST', path).retries }).toMatchObject({
        path,
        retryOn: expect.not.stringMatching(/,reset/) as string,
      });
    }
  });

  test('Istio holds as many streams as the gateways do, and leads plain http to https', () => {
    const { connectionPool } = found('istio', 'DestinationRule').spec.trafficPolicy;
    for (const limit of [connectionPool.tcp.maxConnections, connectionPool.http.http2MaxRequests])
      expect(limit).toBeGreaterThanOrEqual(10 * settingOf('MAX_STREAMS'));
    const { servers } = found('istio', 'Gateway').spec as unknown as { servers: { tls: object }[] };
    expect(servers.map(({ tls }) => tls)).toEqual([
      { httpsRedirect: true },
      { mode: 'SIMPLE', credentialName: 'tocsin-tls' },
    ]);
  });

  test('a gateway keeps idle connections longer than Envoy, Istio and Traefik do', () => {
    const keptSeconds = settingOf('IDLE_CONNECTION_MS') / 1000;
    const { http } = found('gateway-api/envoy', 'BackendTrafficPolicy').spec.timeout;
    const { idleConnTimeout } = found('traefik', 'ServersTransport').spec.forwardingTimeouts;
    const { idleTimeout } = found('istio', 'DestinationRule').spec.trafficPolicy.connectionPool.http;
    for (const duration of [http.connectionIdleTimeout!, idleConnTimeout!, idleTimeout])
      expect(keptSeconds).toBeGreaterThanOrEqual(secondsOf(duration) + 30);
  });
});

/** Addresses that an app tells browsers, and to which it does not connect. */
const OF_BROWSERS = ['PUBLIC_URL', 'PAGE_TOKEN_URL'];
/** The ports of addresses that name none. */
const PORTS: Record<string, number> = { 'http:': 80, 'https:': 443, 'smtp:': 25, 'smtps:': 465 };

/** The ports of the addresses that an app connects to, by setting: as in the example or the default of the setting. */
async function usualPorts(app: string): Promise<Record<string, number>> {
  const { settings } = (await import(join(__dirname, '..', 'apps', app, 'src', 'config'))) as {
    settings: z.ZodRawShape;
  };
  const exampleOf = (name: string) => {
    const schema = settings[name] as z.ZodType;
    return aboutSetting(schema).example ?? (schema.safeParse(undefined).data as string | undefined);
  };
  return Object.fromEntries(
    Object.keys(settings)
      .filter((name) => /_(URL|ENDPOINT|ISSUER)$/.test(name) && !OF_BROWSERS.includes(name))
      .map((name) => {
        // the other addresses of PostgreSQL have no examples of their own
        const address = new URL(exampleOf(name) ?? exampleOf(name.replace(/^DATABASE_\w+_URL$/, 'DATABASE_URL'))!);
        return [name, Number(address.port) || PORTS[address.protocol]!];
      }),
  );
}

interface Rule {
  from?: { namespaceSelector?: object; podSelector?: object }[];
  to?: { ipBlock?: { cidr: string; except: string[] } }[];
  ports: { port: string | number }[];
}
interface Policy {
  podSelector: { matchLabels?: Record<string, string>; matchExpressions?: { values: string[] }[] };
  policyTypes: string[];
  ingress?: Rule[];
  egress?: Rule[];
}

describeWith('kustomize', 'what an overlay may add', () => {
  const prod = () => kustomize('overlays/prod');
  const added = (component: string) => {
    const before = new Set(prod().map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    return withComponents([component]).filter(({ kind, metadata }) => !before.has(`${kind} ${metadata.name}`));
  };

  test('each app has a login of its own, and the migration needs no other address than the owner’s', () => {
    const keys = withComponents(['own-logins']).flatMap(({ kind, metadata, spec }) =>
      ['Deployment', 'Job'].includes(kind)
        ? [[metadata.name, spec.template.spec.containers[0]!.env!.find(({ name }) => name === 'DATABASE_URL')] as const]
        : [],
    );
    const secret = (key: string) => ({
      name: 'DATABASE_URL',
      valueFrom: { secretKeyRef: { name: 'tocsin-secrets', key } },
    });
    expect(Object.fromEntries(keys)).toEqual({
      gateway: secret('GATEWAY_DATABASE_URL'),
      'alert-processor': secret('PROCESSOR_DATABASE_URL'),
      notifier: secret('NOTIFIER_DATABASE_URL'),
      migrate: secret('DATABASE_MIGRATION_URL'),
    });
    const guide = readFileSync(join(__dirname, '..', 'docs/install.md'), 'utf8');
    for (const [, env] of keys) expect(guide).toContain(`\`${env!.valueFrom!.secretKeyRef!.key}\``);
  });

  test('the autoscaler counts open streams, 60 % of what a gateway takes, and the Deployment has no number', () => {
    const [scaler, ...more] = added('autoscaling');
    expect(more).toEqual([]);
    expect(scaler!.spec).toMatchObject({
      scaleTargetRef: { kind: 'Deployment', name: 'gateway' },
      metrics: [
        {
          pods: {
            metric: { name: 'tocsin_sse_connections' },
            target: { averageValue: String(0.6 * settingOf('MAX_STREAMS')) },
          },
        },
        { resource: { name: 'cpu' } },
      ],
    });
    const { registry } = new Metrics({ version: '', commit: '', tenantLimit: 0 });
    expect(registry.getSingleMetric('tocsin_sse_connections')).toBeDefined();
    const without = prod().map((object) => {
      if (object.kind !== 'Deployment' || object.metadata.name !== 'gateway') return object;
      const { replicas, ...spec } = object.spec;
      expect(replicas).toBe(3);
      return { ...object, spec };
    });
    expect(withComponents(['autoscaling']).filter((object) => object.kind !== scaler!.kind)).toEqual(without);
  });

  test('every pod is denied what no policy allows, and each policy is for one of them', () => {
    const policies = added('network-policies').map(({ metadata, spec }) => ({
      name: metadata.name,
      ...(spec as unknown as Policy),
    }));
    const pods = prod().flatMap(({ spec }) => spec?.template?.metadata.labels['app.kubernetes.io/name'] ?? []);
    const [deny, ...others] = policies.sort(
      (a, b) => Number(b.name === 'tocsin-default-deny') - Number(a.name === 'tocsin-default-deny'),
    );
    expect(deny!.podSelector.matchExpressions![0]!.values.sort()).toEqual(pods.sort());
    expect(deny!.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(others.map(({ podSelector }) => podSelector.matchLabels!['app.kubernetes.io/name']).sort()).toEqual(pods);
    expect(withComponents(['network-policies']).filter(({ kind }) => kind !== 'NetworkPolicy')).toEqual(prod());
    const reached = policies.flatMap(({ name, ingress = [] }) => ingress.map(({ ports }) => [name, ports[0]!.port]));
    expect(reached.sort()).toEqual([
      ['alert-processor', 'admin'],
      ['gateway', 'admin'],
      ['gateway', 'http'],
      ['notifier', 'admin'],
    ]);
    // a rule without a sender would let everybody in
    for (const { from } of policies.flatMap(({ ingress = [] }) => ingress)) expect(from!.length).toBeGreaterThan(0);
  });

  test.each(Object.keys(APPS))('%s reaches the usual port of each address that it can be given', async (app) => {
    const policy = added('network-policies').find(({ metadata }) => metadata.name === app)!.spec as unknown as Policy;
    const reached = policy.egress!.flatMap(({ ports }) => ports.map(({ port }) => port));
    const usual = await usualPorts(app);
    expect(Object.keys(usual)).toEqual(
      expect.arrayContaining(['DATABASE_URL', 'NATS_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT']),
    );
    expect(Object.entries(usual).filter(([, port]) => !reached.includes(port))).toEqual([]);
  });

  test('what a notifier reaches by addresses of users is outside of private networks, at each allowed port', async () => {
    const guard = join(__dirname, '..', 'apps/notifier/src/channels/webhook/address-guard');
    const { PUBLIC_PORTS } = (await import(guard)) as { PUBLIC_PORTS: readonly string[] };
    const notifier = added('network-policies').find(({ metadata }) => metadata.name === 'notifier')!;
    const [services, world] = (notifier.spec as unknown as Policy).egress!;
    const ports = ({ ports }: Rule) => ports.map(({ port }) => port);
    expect(ports(services!).filter((port) => ports(world!).includes(port))).toEqual([]);
    expect(ports(world!)).toEqual(expect.arrayContaining(PUBLIC_PORTS.map((port) => Number(port || 443))));
    const blocks = world!.to!.map(({ ipBlock }) => ipBlock!);
    expect(blocks.map(({ cidr }) => cidr)).toEqual(['0.0.0.0/0', '::/0']);
    expect(blocks.flatMap(({ except }) => except)).toEqual(
      expect.arrayContaining([
        '10.0.0.0/8',
        '172.16.0.0/12',
        '192.168.0.0/16',
        '169.254.0.0/16',
        'fc00::/7',
        'fe80::/10',
      ]),
    );
  });
});
