#!/usr/bin/env bash
# @opentelemetry/exporter-prometheus 0.223.0 with Prometheus 2.42.0 (Debian 12): two attributes whose names differ only
# in a dot and an underscore take every metric of the process away from Prometheus.
#
# A process has `http.route` and `http_route` as soon as one library keeps to the semantic conventions and another to
# the habits of Prometheus. Prometheus knows no dots, so the exporter writes underscores. One would guess that one value
# wins, or that both are joined, as the specification says. It writes the label twice into one series, answers 200, and
# logs nothing. Prometheus refuses the whole answer for that one series: `up` is 0, and all other metrics of the process
# are gone too. The first measurement with both attributes is enough, and it lasts until the process restarts.
#
# For a system that rings by metrics: its own alert rules fall silent together, at a request and not at a release. Alert
# on `up == 0`, and name the attributes in one place.
#
# Output seen on 2026-11-29 (Node 20.20.2):
#   http.route alone: deliveries_total{http_route="/a"}; up 1, series of the other counter 1
#   http.route and http_route: deliveries_total{http_route="/a",http_route="/b"}; up 0, series of the other counter 0
#   Prometheus says: label name "http_route" is not unique: invalid sample
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v npm >/dev/null || { echo 'cannot be tried here: there is no npm'; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq prometheus=2.42.0+ds-5+deb12u1 >/dev/null 2>&1 ||
  { echo 'cannot be tried here: prometheus=2.42.0+ds-5+deb12u1 is not to be had'; exit 2; }
dpkg -x prometheus_*.deb root
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error \
  @opentelemetry/exporter-prometheus@0.223.0 @opentelemetry/sdk-metrics@2.12.1 >/dev/null || exit 2
cat > service.cjs <<'JS'
const { createServer } = require('node:http');
const { PrometheusExporter } = require('@opentelemetry/exporter-prometheus');
const { MeterProvider } = require('@opentelemetry/sdk-metrics');
const service = (attributes) => {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const meter = new MeterProvider({ readers: [exporter] }).getMeter('finding');
  meter.createCounter('alerts').add(1);
  meter.createCounter('deliveries').add(1, attributes);
  return createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
};
const services = [service({ 'http.route': '/a' }), service({ 'http.route': '/a', http_route: '/b' })];
const listening = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${server.address().port}`)));
Promise.all(services.map(listening)).then((addresses) => console.log(addresses.join(' ')));
process.stdin.resume().on('end', () => process.exit());
JS
cat > seen.mjs <<'JS'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

const service = spawn(process.execPath, ['service.cjs'], { stdio: ['pipe', 'pipe', 'inherit'] });
const [printed] = await once(service.stdout, 'data');
const [one, both] = String(printed).trim().split(' ');
const free = createServer().listen(0, '127.0.0.1');
await once(free, 'listening');
const own = `127.0.0.1:${free.address().port}`;
free.close();
const job = (name, address) =>
  `- {job_name: ${name}, scrape_interval: 1s, static_configs: [{targets: ["${address}"]}]}`;
writeFileSync('prometheus.yml', ['scrape_configs:', job('one', one), job('both', both), ''].join('\n'));
const prometheus = spawn(
  'root/usr/bin/prometheus',
  ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=${own}`],
  { stdio: 'ignore' },
);
process.once('exit', () => prometheus.kill());
process.once('SIGTERM', () => process.exit(1));

const get = (address) => fetch(`http://${address}`, { signal: AbortSignal.timeout(5_000) });
const ask = async (path) => (await (await get(`${own}/api/v1/${path}`)).json()).data;
const targets = async () => (await ask('targets')).activeTargets;
const scraped = (target) => !target.lastScrape.startsWith('0001');
const deadline = Date.now() + 60_000;
let found = [];
while (found.length < 2 || !found.every(scraped)) {
  if (Date.now() > deadline) throw new Error('Prometheus did not scrape within a minute');
  await after(200);
  found = await targets().catch(() => []);
}
const count = async (query) => (await ask(`query?query=${encodeURIComponent(query)}`)).result[0]?.value[1];
const line = async (address) =>
  (await (await get(`${address}/metrics`)).text())
    .split('\n')
    .find((text) => text.startsWith('deliveries_total{'))
    .replace(/,otel_scope_name="finding"| \d+$/g, '');
for (const [name, job, address] of [
  ['http.route alone', 'one', one],
  ['http.route and http_route', 'both', both],
]) {
  const others = (await count(`count(alerts_total{job="${job}"})`)) ?? 0;
  const up = await count(`up{job="${job}"}`);
  console.log(`${name}: ${await line(address)}; up ${up}, series of the other counter ${others}`);
}
console.log(`Prometheus says: ${found.find((target) => target.lastError).lastError}`);
prometheus.kill();
await once(prometheus, 'exit');
service.stdin.end();
JS
timeout 120 node seen.mjs | tee seen.txt
cat > expected.txt <<'TXT'
http.route alone: deliveries_total{http_route="/a"}; up 1, series of the other counter 1
http.route and http_route: deliveries_total{http_route="/a",http_route="/b"}; up 0, series of the other counter 0
Prometheus says: label name "http_route" is not unique: invalid sample
TXT
diff expected.txt seen.txt
