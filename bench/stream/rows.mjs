// The measurements, one function for each row. `lab` has the load generators (subscribers, feeder of a contender) and
// the sizes.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicroseconds, machineTicks, residentKilobytes } from './processes.mjs';

/** How long to wait for deliveries that are still on their way. */
const DRAIN_MS = 10_000;
const STANDSTILL_MS = 3_000;
const OPENING_MS = 300;
/** A storm that takes longer has failed. */
const STORM_MS = 30_000;

/**
 * Sends alerts at a steady rate to `subscribers` of `tenants`: measures the cost of a delivery, the number of
 * deliveries, and their latency.
 */
export async function fanOut(lab, contender, { tenants = 1, subscribers, rate, seconds, warmSeconds = 1 }) {
  const { gen } = lab;
  const feeder = await lab.feederOf(contender);
  const opened = await gen.ask({
    act: 'open',
    ...contender.open,
    count: subscribers,
    tenants,
    sampleEvery: Math.max(1, Math.round(subscribers / 25)),
  });
  if (opened.live < subscribers)
    throw new Error(
      `${contender.name}: ${opened.live} of ${subscribers} streams opened: ${JSON.stringify(opened.failures)}`,
    );
  const each = subscribers / tenants;
  // frames that a server sends when a stream opens are not deliveries
  await sleep(OPENING_MS);
  await gen.ask({ act: 'begin' });
  const warm = await feeder.ask({ act: 'feed', rate: Math.min(rate, 200 * tenants), seconds: warmSeconds, tenants });
  await arrived(gen, warm.published * each);
  await gen.ask({ act: 'begin' });
  const ticks = machineTicks();
  const cpuBefore = cpuMicroseconds(contender.pid);
  const startedAt = performance.now();
  const fed = await feeder.ask({ act: 'feed', rate, seconds, tenants });
  const { frames: inTime } = await gen.ask({ act: 'state' });
  const inTimeMs = performance.now() - startedAt;
  const expected = fed.published * each;
  await arrived(gen, expected);
  const cpu = cpuMicroseconds(contender.pid) - cpuBefore;
  const wallMs = performance.now() - startedAt;
  const after = machineTicks();
  const got = await gen.ask({ act: 'report' });
  await gen.ask({ act: 'close' });
  return {
    published: fed.published,
    rate_reached: fed.published / (fed.elapsedMs / 1000),
    deliveries: got.frames,
    lost: expected - got.frames,
    fewest: got.fewest,
    cut: Object.keys(got.failures).length > 0 ? got.failures : undefined,
    cpu_us_per_delivery: cpu / got.frames,
    deliveries_per_second: inTime / (inTimeMs / 1000),
    bytes_per_delivery: got.bytes / got.frames,
    server_core: cpu / 1000 / wallMs,
    generator_core: got.cpuMicroseconds / 1000 / wallMs,
    generator_busy: got.utilization,
    machine_busy: (after.busy - ticks.busy) / (after.total - ticks.total),
    machine_stolen: (after.steal - ticks.steal) / (after.total - ticks.total),
    ...latencies(got.samples, fed.handed),
  };
}

/** Waits until the expected frames have come, or no more come. */
async function arrived(gen, expected) {
  const deadline = performance.now() + DRAIN_MS;
  let last = { frames: -1, at: performance.now() };
  for (;;) {
    const { frames } = await gen.ask({ act: 'state' });
    if (frames >= expected) return;
    if (frames !== last.frames) last = { frames, at: performance.now() };
    if (performance.now() > deadline || performance.now() - last.at > STANDSTILL_MS) return;
    await sleep(20);
  }
}

/**
 * Latencies from two starts, when an alert was handed over and when it was due, to the time when a client had read it.
 */
function latencies(samples, handed) {
  const moments = new Map();
  for (let at = 0; at < handed.length; at += 4) moments.set(handed[at] * 2 ** 32 + handed[at + 1], at);
  const fanOutMs = [];
  const wholeMs = [];
  for (let at = 0; at < samples.length; at += 3) {
    const moment = moments.get(samples[at] * 2 ** 32 + samples[at + 1]);
    if (moment === undefined) continue;
    fanOutMs.push((samples[at + 2] - handed[moment + 2]) / 1000);
    wholeMs.push((samples[at + 2] - handed[moment + 3]) / 1000);
  }
  return {
    sampled: fanOutMs.length,
    p50_ms: quantile(fanOutMs, 0.5),
    p99_ms: quantile(fanOutMs, 0.99),
    p99_from_due_ms: quantile(wholeMs, 0.99),
  };
}

export function quantile(values, share) {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/**
 * Many clients connect and stay idle: measures the cost of a connection and the memory of an open stream. Each client
 * has a new token, or with `oneToken` the one with which its user has connected before.
 */
export async function connecting(lab, contender, { connections, tenants, users, oneToken }) {
  const { gen } = lab;
  // as many users connect first, so that code is compiled and caches are filled before the measurement
  await gen.ask({ act: 'open', ...contender.open, oneToken, count: users, tenants, users, atOnce: 50 });
  await gen.ask({ act: 'close' });
  await sleep(1_000);
  const memoryBefore = residentKilobytes(contender.pid);
  const cpuBefore = cpuMicroseconds(contender.pid);
  const opened = await gen.ask({ act: 'open', ...contender.open, oneToken, count: connections, tenants, users });
  const cpu = cpuMicroseconds(contender.pid) - cpuBefore;
  await sleep(lab.settleMs);
  const memory = residentKilobytes(contender.pid) - memoryBefore;
  const { live } = await gen.ask({ act: 'state' });
  await gen.ask({ act: 'close' });
  await sleep(1_000);
  return {
    connections: live,
    failures: opened.failures,
    connects_per_second: connections / (opened.liveMs / 1000),
    cpu_us_per_connect: cpu / connections,
    rss_kb_per_connection: memory / connections,
    server_core: cpu / 1000 / opened.liveMs,
  };
}

/** All clients are cut at once, miss some entries, and come back at once, each with its cursor. */
export async function storm(lab, contender, { connections, tenants, users, missed }) {
  const { gen } = lab;
  const feeder = await lab.feederOf(contender);
  // by then the gateway knows these users, as it would in production
  await gen.ask({ act: 'open', ...contender.open, count: users, tenants, users, atOnce: 50 });
  await gen.ask({ act: 'close' });
  const first = await gen.ask({
    act: 'open',
    ...contender.open,
    count: connections,
    tenants,
    users,
    atOnce: 50,
    keepsCursor: true,
  });
  if (first.live < connections)
    throw new Error(
      `${contender.name}: ${first.live} of ${connections} streams opened: ${JSON.stringify(first.failures)}`,
    );
  await sleep(OPENING_MS);
  await gen.ask({ act: 'begin' });
  await feeder.ask({ act: 'feed', rate: 500, seconds: (tenants * 2) / 500, tenants });
  await arrived(gen, connections * 2);
  const { cursors } = await gen.ask({ act: 'close' });
  await feeder.ask({ act: 'feed', rate: 500, seconds: (tenants * missed) / 500, tenants });
  await sleep(1_000);
  const before = contender.statements();
  const cpuBefore = cpuMicroseconds(contender.pid);
  // the frames of each client: the comment that opens a stream, `connection`, and the missed entries
  const back = await gen.ask({
    act: 'open',
    ...contender.open,
    count: connections,
    tenants,
    users,
    cursors,
    atOnce: connections,
    wanted: 2 + missed,
    timeoutMs: STORM_MS,
  });
  const cpu = cpuMicroseconds(contender.pid) - cpuBefore;
  const statements = contender.statements() - before;
  await sleep(300);
  const { frames } = await gen.ask({ act: 'state' });
  await gen.ask({ act: 'close' });
  return {
    live: back.live,
    failures: back.failures,
    all_live_ms: back.allMs,
    statements,
    statements_per_client: statements / connections,
    replayed: frames - connections * 2,
    expected: connections * missed,
    cpu_us_per_client: cpu / connections,
  };
}
