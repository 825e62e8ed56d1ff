import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { pathOf } from '../../e2e/kit/programs';
import { schemas as modules } from '../test/go-modules.json';
import type { Manifest } from './render';

// kubeconform reads JSON schemas. They are made here of what Kubernetes and the makers of gateways publish in their Go
// modules, whose versions are pinned. Rules in CEL are beyond it.

/** The versions that the manifests are validated for, as Go modules. */
export const KUBERNETES = modules.filter((module) => module.startsWith('k8s.io/kubernetes@'));

/** Where definitions of further kinds lie in their modules. */
const DEFINITIONS: Record<string, string> = {
  'sigs.k8s.io/gateway-api': 'config/crd/standard',
  'github.com/envoyproxy/gateway': 'charts/gateway-crds-helm/templates/generated',
  'github.com/traefik/traefik/v3': 'docs/content/reference/dynamic-configuration',
  'istio.io/api': 'kubernetes',
};

interface Schema {
  type?: string;
  format?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
  [other: string]: unknown;
}
interface Definition {
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
}
interface KindSchema {
  apiVersion: string;
  kind: string;
  schema: object;
}

let folders: Map<string, string> | undefined;
/** The folder of a module of go-modules.json, all of which are downloaded unless they were before. */
function folderOf(module: string): string {
  folders ??= new Map(
    execFileSync(pathOf('go'), ['mod', 'download', '-json', ...modules], { encoding: 'utf8', cwd: tmpdir() })
      .split(/^(?=\{)/m)
      .map((text) => JSON.parse(text) as { Path: string; Version: string; Dir: string })
      .map(({ Path, Version, Dir }) => [`${Path}@${Version}`, Dir]),
  );
  return folders.get(module)!;
}

/** The same schema in the words of JSON Schema, which refuses the fields that it does not name. */
function strict({ format, ...schema }: Schema): Schema {
  if (format === 'int-or-string' || schema['x-kubernetes-int-or-string'])
    return { anyOf: [{ type: 'string' }, { type: 'integer' }] };
  const made: Schema = { ...schema };
  if (schema.items) made.items = strict(schema.items);
  if (typeof schema.additionalProperties === 'object') made.additionalProperties = strict(schema.additionalProperties);
  if (schema.properties) {
    const properties = Object.entries(schema.properties);
    made.properties = Object.fromEntries(properties.map(([name, property]) => [name, strict(property)]));
    made.additionalProperties ??= schema['x-kubernetes-preserve-unknown-fields'] === true;
  }
  return made;
}

/** Kubernetes' own kinds, each with the definitions that it refers to. */
function ownSchemas(kubernetes: string, kinds: Set<string>): KindSchema[] {
  const file = join(folderOf(kubernetes), 'api', 'openapi-spec', 'swagger.json');
  const { definitions } = JSON.parse(readFileSync(file, 'utf8')) as { definitions: Record<string, Schema> };
  const reach = (schema: object, found: Record<string, Schema>) => {
    for (const [, name] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)) {
      if (found[name!]) continue;
      found[name!] = strict(definitions[name!]!);
      reach(definitions[name!]!, found);
    }
    return found;
  };
  return Object.entries(definitions).flatMap(([name, definition]) => {
    const [which, ...more] = definition['x-kubernetes-group-version-kind'] ?? [];
    if (!which || more.length > 0) return [];
    const apiVersion = which.group ? `${which.group}/${which.version}` : which.version;
    if (!kinds.has(`${apiVersion} ${which.kind}`)) return [];
    const schema = { $ref: `#/definitions/${name}` };
    return [{ apiVersion, kind: which.kind, schema: { ...schema, definitions: reach(schema, {}) } }];
  });
}

/** The text of each definition of a further kind. */
function definitionsIn(module: string): string[] {
  const folder = DEFINITIONS[module.split('@')[0]!];
  if (!folder) return [];
  const at = join(folderOf(module), folder);
  return readdirSync(at)
    .filter((file) => /\.ya?ml$/.test(file))
    .flatMap((file) => readFileSync(join(at, file), 'utf8').split(/^---$/m));
}

/** What every object has, and some definitions do not name. */
const OF_ALL: Record<string, Schema> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { type: 'object' },
};

const further = new Map<string, KindSchema[]>();
/** A kind that a cluster has only once its definition is installed, with each of its versions. */
function furtherSchemas(kind: string): KindSchema[] {
  // the definitions are large, and some are templates whose own lines say nothing of the schema
  const made =
    further.get(kind) ??
    modules
      .flatMap(definitionsIn)
      .filter((text) => text.includes(`\n    kind: ${kind}\n`))
      .map((text) => (parse(text.replace(/^\{\{.*$/gm, '')) as Definition).spec)
      .flatMap(({ group, names, versions }) =>
        versions.map(({ name, schema }) => ({
          apiVersion: `${group}/${name}`,
          kind: names.kind,
          schema: strict({
            ...schema.openAPIV3Schema,
            properties: { ...OF_ALL, ...schema.openAPIV3Schema.properties },
          }),
        })),
      );
  further.set(kind, made);
  return made;
}

/** What kubeconform says about these objects for a version of Kubernetes: a line for each that it does not accept. */
export function faultsOf(objects: readonly Manifest[], kubernetes: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-schemas-'));
  try {
    const kinds = new Set(objects.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`));
    const own = ownSchemas(kubernetes, kinds);
    const others = new Set(objects.map(({ kind }) => kind).filter((kind) => !own.some((one) => one.kind === kind)));
    for (const { apiVersion, kind, schema } of [...own, ...[...others].flatMap(furtherSchemas)]) {
      // kubeconform calls the group of the core `v1` as well
      const file = join(
        folder,
        apiVersion.includes('/') ? apiVersion : `${apiVersion}/${apiVersion}`,
        `${kind.toLowerCase()}.json`,
      );
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(schema));
    }

    const location = join(folder, '{{.Group}}', '{{.ResourceAPIVersion}}', '{{.ResourceKind}}.json');
    const { stdout } = spawnSync(pathOf('kubeconform'), ['-strict', '-output', 'json', '-schema-location', location], {
      encoding: 'utf8',
      input: objects.map((object) => JSON.stringify(object)).join('\n---\n'),
    });
    const { resources } = JSON.parse(stdout) as { resources: { kind: string; name: string; msg: string }[] };
    return resources.map(({ kind, name, msg }) => `${kind} ${name}: ${msg}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
