import { join } from 'node:path';
import { chart, helm, kustomize, kustomizeWith, type Manifest } from './render';

export const PRODUCTION_VALUES = join(chart, 'values-production.yaml');
/** Values for a cluster with Gateway API. */
export const BEHIND_A_GATEWAY = { ingress: { enabled: false }, gatewayApi: { enabled: true } };

/** Everything that can be applied to a cluster, and what it is rendered with. */
export const SOURCES: { name: string; program: 'kustomize' | 'helm'; render: () => Manifest[] }[] = [
  ...['base', 'overlays/dev', 'overlays/prod'].map((folder) => ({
    name: `the manifests of ${folder}`,
    program: 'kustomize' as const,
    render: () => kustomize(folder),
  })),
  { name: 'the chart', program: 'helm', render: () => helm() },
  {
    name: 'the chart with the values for production',
    program: 'helm',
    render: () => helm({}, '--values', PRODUCTION_VALUES),
  },
];

/** The ways to the gateway that an overlay may take in place of its Ingress. */
export const COMPONENTS = [
  ['gateway-api'],
  ['gateway-api', 'gateway-api/envoy'],
  ['gateway-api', 'gateway-api/nginx'],
  ['traefik'],
  ['f5-nginx'],
  ['istio'],
];

/** What an overlay may add, and the values with which the chart has the same. */
export const ADDITIONS = [
  { component: 'autoscaling', values: { autoscaling: { enabled: true } } },
  { component: 'network-policies', values: { networkPolicies: { enabled: true } } },
  {
    component: 'own-logins',
    values: {
      gateway: { secretKeys: { DATABASE_URL: 'GATEWAY_DATABASE_URL' } },
      alertProcessor: { secretKeys: { DATABASE_URL: 'PROCESSOR_DATABASE_URL' } },
      notifier: { secretKeys: { DATABASE_URL: 'NOTIFIER_DATABASE_URL' } },
      migrate: { secretKeys: { DATABASE_URL: 'DATABASE_MIGRATION_URL' } },
    },
  },
];

/** The overlay for production with these components. */
export const withComponents = (names: readonly string[]): Manifest[] =>
  kustomizeWith(
    'overlays/prod',
    names.map((name) => `components/${name}`),
  );
