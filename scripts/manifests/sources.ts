import { join } from 'node:path';
import { chart, helm, kustomize, type Manifest } from './render';

export const PRODUCTION_VALUES = join(chart, 'values-production.yaml');

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
