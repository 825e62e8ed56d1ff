import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parser } from '@prometheus-io/lezer-promql';
import { Metrics } from '@tocsin/observability';
import { parse } from 'yaml';
import { describeWith } from '../e2e/kit/programs';

// What the alert rules and dashboards say about Tocsin's metrics is compared with the registry of the code.

const root = join(__dirname, '..');
const prometheus = join(root, 'infrastructure', 'prometheus');
const boards = join(root, 'infrastructure', 'grafana', 'dashboards');
const readText = (...path: string[]) => readFileSync(join(...path), 'utf8');

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  labels?: Record<string, string>;
  annotations: { summary: string; runbook_url: string };
}
const rules = (parse(readText(prometheus, 'alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const testFiles = readdirSync(prometheus).filter((file) => file.endsWith('.test.yml'));
const alerts = rules.filter(({ alert }) => alert);
const recorded = rules.flatMap(({ record }) => record ?? []);

interface Dashboard {
  panels: { title: string; description: string; targets: { expr: string }[] }[];
}
const dashboards = readdirSync(boards).map((file) => ({
  file,
  board: JSON.parse(readText(boards, file)) as Dashboard,
}));

const queries: [where: string, query: string][] = [
  ...rules.map(({ alert, record, expr }): [string, string] => [alert ?? record!, expr]),
  ...dashboards.flatMap(({ file, board }) =>
    board.panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }): [string, string] => [`${file}: ${title}`, expr]),
    ),
  ),
];

/** What is not Tocsin's own, with the labels that it has there. */
const FOREIGN: Record<string, string[]> = {
  up: [],
  rabbitmq_detailed_queue_messages_ready: ['queue', 'vhost'],
};
/** Prometheus itself adds these to every series. */
const OF_EVERY_SERIES = ['job', 'instance'];

interface Selector {
  metric: string;
  matchers: { label: string; operator: string; value: string }[];
}

/** The selectors of a query, the labels that it groups by, and whether it could be parsed. */
function readQuery(query: string) {
  // Grafana puts the window there
  const text = query.replaceAll('$__rate_interval', '5m');
  const selectors: Selector[] = [];
  const grouped: string[] = [];
  const errors: number[] = [];
  const tree = parser.parse(text);
  tree.iterate({
    enter({ name, from, to, type }) {
      const last = selectors.at(-1);
      const own = text.slice(from, to);
      if (type.isError) errors.push(from);
      if (name === 'VectorSelector') selectors.push({ metric: '', matchers: [] });
      if (name === 'Identifier') last!.metric = own;
      if (name === 'UnquotedLabelMatcher') {
        const [, label, operator, value] = /^(\w+)(=~|!~|!=|=)"(.*)"$/.exec(own)!;
        last!.matchers.push({ label: label!, operator: operator!, value: value! });
      }
      if (name === 'GroupingLabels')
        grouped.push(
          ...own
            .replace(/[()\s]/g, '')
            .split(',')
            .filter(Boolean),
        );
    },
  });
  return { selectors, grouped, errors };
}

const metrics = new Metrics({ version: '0', commit: '0', tenantLimit: 0 });

/** A metric as `/metrics` shows it: a histogram by three names, `le` beside the labels of the first. */
function declared(written: string) {
  const histogram = written.replace(/_(bucket|sum|count)$/, '');
  const found = metrics.registry.getSingleMetric(written) ?? metrics.registry.getSingleMetric(histogram);
  const { labelNames, type } = (found ?? {}) as unknown as { labelNames?: string[]; type?: string };
  if (!found || (type === 'histogram') === (written === histogram)) return undefined;
  return { labels: [...labelNames!, ...(written.endsWith('_bucket') ? ['le'] : [])] };
}

/** Every series that the code declares. */
let series: string[];
beforeAll(async () => {
  series = (await metrics.registry.metrics()).split('\n');
});

test.each(queries)('%s asks for what there is', (_, query) => {
  const { selectors, grouped, errors } = readQuery(query);
  expect({ errors, asksForSomething: selectors.length > 0 }).toEqual({ errors: [], asksForSomething: true });
  for (const { metric, matchers } of selectors) {
    if (recorded.includes(metric)) continue;
    const labels = FOREIGN[metric] ?? declared(metric)?.labels;
    expect({ metric, isThere: labels !== undefined }).toEqual({ metric, isThere: true });
    const unknown = [...matchers.map(({ label }) => label), ...grouped].filter(
      (label) => ![...labels!, ...OF_EVERY_SERIES].includes(label),
    );
    expect({ metric, unknown }).toEqual({ metric, unknown: [] });
    // every value is known, since counters and histograms begin at 0
    const ours = series.filter((line) => line.startsWith(`${metric}{`));
    if (!/_(total|bucket|sum|count)$/.test(metric) || ours.length === 0) continue;
    for (const { label, value } of matchers.filter(({ label }) => !OF_EVERY_SERIES.includes(label)))
      for (const one of value.split('|'))
        expect({ metric, shown: ours.some((line) => line.includes(`${label}="${one}"`)), one }).toMatchObject({
          shown: true,
        });
  }
});

test('the reader of queries sees a wrong metric, label and value', () => {
  expect(readQuery('sum by (a, b) (rate(x_total{c="d",e=~"f|g"}[5m])) > 1')).toEqual({
    selectors: [
      {
        metric: 'x_total',
        matchers: [
          { label: 'c', operator: '=', value: 'd' },
          { label: 'e', operator: '=~', value: 'f|g' },
        ],
      },
    ],
    grouped: ['a', 'b'],
    errors: [],
  });
  expect(readQuery('sum(rate(x[5m])').errors).not.toEqual([]);
  expect(declared('tocsin_sse_connection')).toBeUndefined();
  expect(declared('tocsin_replay_seconds')).toBeUndefined();
  expect(declared('tocsin_replay_seconds_bucket')).toEqual({ labels: ['le'] });
});

describe('alerts', () => {
  const operate = readText(root, 'docs', 'operate.md');
  /** The sections of the runbooks, by the anchor that the guide gives them. */
  const runbooks = new Map(
    operate
      .split(/^### /m)
      .slice(1)
      .map((section) => [section.split('\n')[0]!.toLowerCase().replace(/ /g, '-'), section.split('\n## ')[0]!]),
  );

  test.each(alerts.map((rule) => [rule.alert!, rule] as const))(
    '%s pages or makes a ticket, and its runbook names it',
    (name, { labels, annotations }) => {
      expect(labels!.severity).toMatch(/^(page|ticket)$/);
      const [, anchor] = /^\{\{ \$externalLabels\.gateway_url \}\}\/docs\/guide\/operate#(\S+)$/.exec(
        annotations.runbook_url,
      )!;
      expect(runbooks.get(anchor!)).toContain(`\`${name}\``);
      for (const part of ['*You see*', '*Do*']) expect(runbooks.get(anchor!)).toContain(part);
    },
  );

  test('runbooks name no alert that is gone', () => {
    const named = [...operate.matchAll(/`(Tocsin[A-Z]\w+)`/g)].map(([, name]) => name!);
    expect(named.filter((name) => !alerts.some(({ alert }) => alert === name))).toEqual([]);
  });

  test('each has a test in which it fires and one in which it does not', () => {
    interface Case {
      alert_rule_test: { alertname: string; exp_alerts: unknown[] }[];
    }
    const cases = testFiles.flatMap((file) =>
      (parse(readText(prometheus, file)) as { tests: Case[] }).tests.flatMap((one) => one.alert_rule_test),
    );
    const lacking = alerts.filter(({ alert }) => {
      const ofIt = cases.filter(({ alertname }) => alertname === alert);
      return !ofIt.some((one) => one.exp_alerts.length > 0) || !ofIt.some((one) => one.exp_alerts.length === 0);
    });
    expect(lacking.map(({ alert }) => alert)).toEqual([]);
  });
});

describe('dashboards', () => {
  test('are what their source makes (npm run settings writes them)', () => {
    // Jest compiles for CommonJS: the module is run as its users run it
    const source = pathToFileURL(join(root, 'infrastructure', 'grafana', 'dashboards.mjs')).href;
    const { stdout } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', `console.log(JSON.stringify((await import('${source}')).dashboards()))`],
      { encoding: 'utf8' },
    );
    expect(Object.fromEntries(dashboards.map(({ file }) => [file, readText(boards, file)]))).toEqual(
      JSON.parse(stdout),
    );
  });

  test('say of each panel what it shows', () => {
    expect(dashboards.map(({ file }) => file).sort()).toEqual([
      'deliveries.json',
      'engines.json',
      'overview.json',
      'pipeline.json',
      'stream.json',
    ]);
    const panels = dashboards.flatMap(({ board }) => board.panels);
    expect(panels.filter(({ description }) => !/\.$/.test(description)).map(({ title }) => title)).toEqual([]);
  });
});

describeWith('prometheus', 'promtool', () => {
  test.each([
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', ...testFiles],
  ])('%s %s', (...args) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: prometheus, encoding: 'utf8' });
    expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' });
  });
});
