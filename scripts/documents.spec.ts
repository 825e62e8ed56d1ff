import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Metrics } from '@tocsin/observability';
import { parse } from 'yaml';
import { DEFINER, ROLES } from '../libs/postgres/src/roles';
import { secretSettings } from './manifests/secret-settings';

const root = join(__dirname, '..');
const documents = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs'), { recursive: true }).map((file) => join('docs', String(file))),
].filter((file) => file.endsWith('.md'));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

it.each(documents)('%s links to files that are there', (file) => {
  const links = [...read(file).matchAll(/\]\(([^)#\s]+)/g)]
    .map(([, link]) => link!)
    .filter((link) => !/^\w+:/.test(link));
  expect(links.filter((link) => !existsSync(join(root, dirname(file), link)))).toEqual([]);
});

it('no file installs a package of Tocsin by its name, since no registry has one', () => {
  const files = ['.', 'docs', 'examples', 'libs', 'apps/cli'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: folder !== '.' }).map((file) => join(folder, String(file))),
  );
  const ours = files.filter((file) => /\.(md|ts|tsx|js|mjs|py|html)$/.test(file) && !/node_modules|dist/.test(file));
  expect(ours).toEqual(expect.arrayContaining(['README.md', 'libs/publisher/README.md']));
  const byName = /\b(npm (install|i|add)|yarn add|pnpm add) ([^\n`]* )?@tocsin\//;
  expect(ours.filter((file) => byName.test(read(file)))).toEqual([]);
});

it("one alert's way from broker to socket is at most seven acting files, each with the pure functions that it calls", () => {
  const [, table] = read('ARCHITECTURE.md').split("## One alert's way");
  const rows = table!
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => /^\| [a-z, ]*\| \[`/.test(line));
  const acting = rows.map((row) => /\| \[`([^`]+)`\]/.exec(row)![1]!);
  expect(acting.length).toBeGreaterThan(4);
  expect(acting.length).toBeLessThanOrEqual(7);
  for (const file of acting) expect(existsSync(join(root, file))).toBe(true);
});

it('docs/operate.md says of every secret setting of every app how it is rotated', async () => {
  const table = read('docs/operate.md').split('## Rotate a secret\n')[1]!.split('\n## ')[0]!;
  const named = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
  );
  const apps = ['gateway', 'alert-processor', 'notifier', 'standalone', 'cli'];
  const settings = (await Promise.all(apps.map(secretSettings))).flat();
  expect([...new Set(settings)].sort()).toEqual([...new Set(named)].sort());
});

describe('a document that installs into a cluster', () => {
  interface Image {
    newName?: string;
    newTag: string;
  }
  const yaml = <T>(file: string) => parse(read(file)) as T;
  /** The image that the objects of an overlay name. */
  const imageOf = (overlay: string) => {
    const path = join('infrastructure/kubernetes/overlays', overlay, 'kustomization.yaml');
    const { newName = 'tocsin', newTag } = yaml<{ images: [Image] }>(path).images[0];
    return `${newName}:${newTag}`;
  };
  const chart = 'infrastructure/helm/tocsin';
  const imageOfChart = (values: string) => {
    const { repository } = yaml<{ image: { repository: string } }>(join(chart, values)).image;
    return `${repository}:${yaml<{ appVersion: string }>(join(chart, 'Chart.yaml')).appVersion}`;
  };

  const installs = documents.flatMap((file) => {
    const text = read(file);
    const overlays = [...text.matchAll(/kubectl apply -k \S*overlays\/(\w+)/g)].map(([, name]) => imageOf(name!));
    const releases = [...text.matchAll(/^helm upgrade (?:.*\\\n)*.*$/gm)].map(([command]) =>
      imageOfChart(/values-production\.yaml/.test(command) ? 'values-production.yaml' : 'values.yaml'),
    );
    return [...new Set([...overlays, ...releases])].map((image) => ({ file, image }));
  });

  it('is found', () =>
    expect(installs.map(({ file }) => file)).toEqual(expect.arrayContaining(['README.md', 'docs/install.md'])));

  // No registry has the image: the pods would wait for it for ever.
  it.each(installs)('$file has the command that builds $image', ({ file, image }) => {
    expect(
      read(file)
        .match(/docker build [^`\n]*/g)
        ?.map((build) => / --tag (\S+) /.exec(build)?.[1]),
    ).toContain(image);
  });
});

const roles: string[] = [DEFINER, ...ROLES];

it('the guide names the roles that a migration makes, and no other', () => {
  const [, rights = ''] = /\*\*PostgreSQL\.\*\*([^]*?)```/.exec(read('docs/install.md')) ?? [];
  const named = [...rights.matchAll(/`(tocsin_\w+)`/g)].map(([, name]) => name);
  expect([...new Set(named)].sort()).toEqual(roles.sort());
});

it('the metrics that documents name are there', () => {
  const { registry } = new Metrics({ version: '', commit: '', tenantLimit: 0 });
  const named = documents
    .filter((file) => file !== 'CHANGELOG.md') // it tells of those that are gone
    .flatMap((file) => [...read(file).matchAll(/(?<!-)\btocsin_\w+?(?=_bucket|_sum|_count|\b)/g)])
    .map(([name]) => name)
    .filter((name) => !/^tocsin_(gateway|processor|notifier|guide|restored|stream$)/.test(name)) // logins, databases, the cookie
    .filter((name) => !roles.includes(name));
  expect(named).not.toEqual([]);
  expect(named.filter((name) => !registry.getSingleMetric(name))).toEqual([]);
});
