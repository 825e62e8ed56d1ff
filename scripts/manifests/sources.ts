import { kustomize, type Manifest } from './render';

/** Everything that can be applied to a cluster, and what it is rendered with. */
export const SOURCES: { name: string; program: 'kustomize' | 'helm'; render: () => Manifest[] }[] = [
  'base',
  'overlays/dev',
  'overlays/prod',
].map((folder) => ({
  name: `the manifests of ${folder}`,
  program: 'kustomize' as const,
  render: () => kustomize(folder),
}));
