import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { pathOf } from '../../e2e/kit/programs';

const infrastructure = join(__dirname, '..', '..', 'infrastructure');
export const chart = join(infrastructure, 'helm', 'tocsin');

/** The part of a manifest's shape that these tests check. */
interface Probe {
  httpGet: { path: string; port: string };
}
interface Container {
  name: string;
  image: string;
  command?: string[];
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef?: { name: string; key: string } } }[];
  ports?: { name: string; containerPort: number }[];
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  lifecycle?: { preStop: { sleep: { seconds: number } } };
  securityContext: {
    allowPrivilegeEscalation: boolean;
    readOnlyRootFilesystem?: boolean;
    capabilities: { drop: string[] };
  };
  resources: { requests: Record<string, string>; limits: Record<string, string> };
}
interface Pod {
  automountServiceAccountToken: boolean;
  terminationGracePeriodSeconds: number;
  securityContext: { runAsNonRoot: boolean; runAsUser: number; seccompProfile: { type: string } };
  containers: Container[];
}
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string>; labels?: Record<string, string> };
  data?: Record<string, string>;
  spec: {
    replicas?: number;
    selector: { matchLabels: Record<string, string> } & Record<string, string>;
    template: { metadata: { labels: Record<string, string>; annotations?: Record<string, string> }; spec: Pod };
    ports: { name: string; port: number; targetPort: string }[];
    rules: {
      host: string;
      http: { paths: { path: string; backend: { service: { name: string; port: { name: string } } } }[] };
    }[];
    tls?: unknown[];
  };
}

/** The pod of an object that is one, or makes some. */
export const podOf = ({ kind, spec }: Manifest): Pod | undefined =>
  kind === 'Pod' ? (spec as unknown as Pod) : spec?.template?.spec;

/** The objects in the text of a manifest. */
export const objectsOf = (text: string): Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((object) => object !== null);

const kubernetes = join(infrastructure, 'kubernetes');
/** What was rendered before. */
const built = new Map<string, string>();

/** What kustomize makes of a folder below infrastructure/kubernetes. */
export function kustomize(folder: string): Manifest[] {
  const text = built.get(folder) ?? build(join(kubernetes, folder));
  built.set(folder, text);
  return objectsOf(text);
}

/** The same for a folder and components, as an overlay of an operator names them. */
export function kustomizeWith(folder: string, components: readonly string[]): Manifest[] {
  const overlay = mkdtempSync(join(tmpdir(), 'tocsin-overlay-'));
  try {
    const at = (one: string) => relative(realpathSync(overlay), join(kubernetes, one));
    const text = { namespace: 'tocsin', resources: [at(folder)], components: components.map(at) };
    writeFileSync(join(overlay, 'kustomization.yaml'), JSON.stringify(text));
    return objectsOf(build(overlay));
  } finally {
    rmSync(overlay, { recursive: true, force: true });
  }
}

const build = (folder: string) => execFileSync(pathOf('kustomize'), ['build', folder], { encoding: 'utf8' });

/** What Helm makes of the chart, as a release in the namespace tocsin, with these values over its own. */
export function helm(values: object = {}, ...options: string[]): Manifest[] {
  const asked = JSON.stringify([values, options]);
  const text = built.get(asked) ?? runHelm(['template', 'tocsin', chart, '--namespace', 'tocsin', ...options], values);
  built.set(asked, text);
  return objectsOf(text);
}

/** Runs Helm with these values on its standard input. Throws what it complains of. */
export function runHelm(words: string[], values: object = {}): string {
  return execFileSync(pathOf('helm'), [...words, '--values', '-'], {
    encoding: 'utf8',
    input: JSON.stringify(values),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}
