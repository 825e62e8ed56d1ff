// `node bench/ingest/tracing-cost.mjs`: the processor's own work on a batch, without services: read, plan, make the
// statement's parameters, read its rows, encode the hints. Compares tracing off with 1 % of the traces recorded.
//
//     --also <name>=<dist>   another build of Tocsin, without tracing, as one more contender
//     --rounds <n>           default 40
//     --rest                 measures something else: batches of four in a row, and with a rest of 8 ms before each
//
// It counts CPU time and not the clock, so it can be run on a busy machine.
import { fork } from 'node:child_process';
import { createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { argv, exit, stdout } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median } from '../stream/report.mjs';
import { SpanSink } from './span-sink.mjs';

const TENANTS = 100;
const BATCH = 500;
const BATCHES_A_ROUND = 20;

const require = createRequire(import.meta.url);
const option = (name, otherwise) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : otherwise);
const rounds = Number(option('--rounds', 40));
const also = argv.flatMap((word, i) => (word === '--also' ? [argv[i + 1].split('=')] : []));
const own = join(resolve(fileURLToPath(new URL('.', import.meta.url)), '..', '..'), 'dist');
const LIMITS = { message: 16 * 1024, batch: 256 * 1024 };

/** What the database returns for a batch in which each message raises an alert. */
const ROWS = Array.from({ length: BATCH }, (_, at) => ({
  outcome: 'stored',
  ...{ epoch: 'b9b351defc', seq: at + 1, fp: `f${at + 1}`, prev_fp: `f${at}` },
  ...{ alert_id: '01a228ae-4a8b-708a-bbc2-2a3919a23584', change: 'raised', status: 'firing', severity: 'high' },
  ...{ previous_status: null, previous_severity: null, previous_type: null, previous_name: null },
  ...{ previous_labels: null, occurrences: 1, folded: 0, words: null },
  ...{ received_at: new Date(), first_seen_at: new Date(), last_seen_at: new Date() },
}));

let next = 0;
const aBatch = (size = BATCH) =>
  Array.from({ length: size }, () => {
    const n = next++;
    const message = {
      tenant_id: `t${n % TENANTS}`,
      service: 'inventory',
      severity: 'high',
      id: `a${n}`,
      type: 'alert',
      name: 'low_stock',
      title: 'Flour is running low',
      message: 'Only 2 kg are left in the northern store.',
      occurred_at: new Date().toISOString(),
      labels: { store: 'north' },
      metadata: { left_kg: 2 },
    };
    return { body: Buffer.from(JSON.stringify(message)), routing_key: 'alert.high.inventory', redelivered: false };
  });

async function open(name, dist, { environment, size = BATCH } = {}) {
  const from = (path) => require(join(resolve(dist), path));
  const { hintMessages } = from('libs/contracts/src/hint-messages.js');
  const { AnnounceEntries } = from('libs/contracts/src/ports/announce-entries.js');
  const { createLogger, Metrics } = from('libs/observability/src/index.js');
  const { PostgresEventLog } = from('libs/postgres/src/event-log.postgres.js');
  const { IngestAlerts } = from('apps/alert-processor/src/ingest-alerts.js');
  const log = createLogger({ app: 'bench', level: 'silent' });
  const metrics = new Metrics({ version: 'bench', commit: 'bench', tenantLimit: 0 });
  const key = createSecretKey(randomBytes(32));
  const bus = { publish: async (hints) => void hintMessages(hints, 'bench.', key, LIMITS) };
  const announce = new AnnounceEntries(bus, metrics, log);
  const doorbell = { ring: async () => undefined };
  const eventLog = new PostgresEventLog({ call: async () => ROWS.slice(0, size) });
  const trace = environment && (await openTrace(from, log, environment));
  const options = trace ? { trace } : {};
  return {
    ingest: new IngestAlerts(eventLog, announce, doorbell, metrics, log, options),
    close: () => trace?.close(),
  };
}

function openTrace(from, log, environment) {
  const { readSettings } = from('libs/settings/src/index.js');
  const { traceSettings } = from('libs/observability/src/trace/settings.js');
  // the exporter reads its endpoint by itself
  Object.assign(process.env, environment);
  const settings = readSettings(traceSettings, environment);
  return from('libs/observability/src/trace/open-trace.js').openTrace({
    app: 'bench',
    version: 'bench',
    settings,
    log,
  });
}

/** One contender, in a process of its own: answers each message with the CPU time of an alert, in microseconds. */
async function contend([name, dist, environment]) {
  const { ingest, close } = await open(name, dist, { environment: environment && JSON.parse(environment) });
  // what the exporter does between two rounds counts for the next one
  let since = process.cpuUsage();
  process.on('message', async () => {
    const idle = process.cpuUsage(since);
    const batches = Array.from({ length: BATCHES_A_ROUND }, aBatch);
    since = process.cpuUsage();
    for (const batch of batches) {
      const { kind, reason } = await ingest.ingest(batch);
      if (kind !== 'settled') throw new Error(`${name}: ${reason}`);
    }
    const busy = process.cpuUsage(since);
    since = process.cpuUsage();
    process.send((idle.user + idle.system + busy.user + busy.system) / (BATCHES_A_ROUND * BATCH));
  });
  process.on('disconnect', () => void Promise.resolve(close()).then(() => exit()));
  process.send('ready');
}

async function start(name, dist, environment) {
  const child = fork(fileURLToPath(import.meta.url), ['--contend', name, dist, JSON.stringify(environment ?? null)]);
  await once(child, 'message');
  const measure = async () => {
    child.send('measure');
    return (await once(child, 'message'))[0];
  };
  return { name, child, measure, measured: [] };
}

async function compare() {
  const spans = await SpanSink.open();
  const contenders = [
    await start('tracing off', own),
    await start('1 % recorded', own, spans.environment('0.01')),
    ...(await Promise.all(also.map(([name, dist]) => start(name, dist)))),
  ];
  for (const { measure } of contenders) for (let warm = 0; warm < 5; warm += 1) await measure();
  for (let round = 0; round < rounds; round += 1)
    for (const { measure, measured } of contenders) measured.push(await measure());
  for (const { child } of contenders) child.disconnect();
  await Promise.all(contenders.map(({ child }) => once(child, 'exit')));
  for (const { name, measured } of contenders) {
    const ratio = median(measured.map((us, round) => us / contenders[0].measured[round]));
    stdout.write(`${name.padEnd(20)}${median(measured).toFixed(2).padStart(8)} µs/alert  ${ratio.toFixed(3)}\n`);
  }
  stdout.write(`${spans.received} batches of spans were sent\n`);
  await spans.close();
  exit(spans.received === 0 ? 1 : 0);
}

/**
 * The CPU time of a small batch. After a rest the same work may take more of it, and at 500 alerts a second a
 * batch comes after a rest.
 */
async function compareRest() {
  const size = 4;
  const { ingest } = await open('rest', own, { size });
  const costOf = async (restMs, batches) => {
    let us = 0;
    for (let at = 0; at < batches; at += 1) {
      if (restMs > 0) await sleep(restMs);
      const batch = aBatch(size);
      const before = process.cpuUsage();
      const { kind, reason } = await ingest.ingest(batch);
      const { user, system } = process.cpuUsage(before);
      if (kind !== 'settled') throw new Error(reason);
      us += user + system;
    }
    return us / batches;
  };
  await costOf(0, 5_000);
  for (let round = 0; round < 3; round += 1)
    for (const restMs of [0, 8])
      stdout.write(`a batch of ${size} after ${restMs} ms: ${Math.round(await costOf(restMs, 1_000))} µs of CPU\n`);
  exit();
}

if (argv[2] === '--contend') await contend(argv.slice(3));
else if (argv.includes('--rest')) await compareRest();
else await compare();
