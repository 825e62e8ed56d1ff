// What is measured, one function a row.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicroseconds, machineTicks } from '../stream/processes.mjs';

const LOOK_MS = 20;
/** A backlog that is not gone by then has told its rate; what is left of it is thrown away. */
const DRAIN_MS = 10_000;
/** A processor that stores nothing for so long is broken. */
const START_MS = 30_000;
/** The broker notices at once that a consumer is gone, and counts every now and then. */
const SETTLE_MS = 5_000;

/** The CPU time of each process that exists, and of the machine. */
function cpuOf(site, pids) {
  const processes = {
    ...(site.processor && { processor: site.processor.pid }),
    gateway: site.gateway.pid,
    generator: site.generator.child.pid,
    ...pids,
  };
  return {
    at: performance.now(),
    machine: machineTicks(),
    of: Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, cpuMicroseconds(pid)])),
  };
}

/** Between two such readings: each process as a share of one core, and the microseconds of each that an alert took. */
function cpuBetween(before, after, alerts) {
  const wallUs = (after.at - before.at) * 1000;
  const used = Object.entries(before.of).map(([name, us]) => [name, after.of[name] - us]);
  return {
    cores: Object.fromEntries(used.map(([name, us]) => [name, us / wallUs])),
    us_per_alert: Object.fromEntries(used.map(([name, us]) => [name, us / alerts])),
    processor_us_per_alert: (after.of.processor - before.of.processor) / alerts,
    machine_busy: (after.machine.busy - before.machine.busy) / (after.machine.total - before.machine.total),
    machine_stolen: (after.machine.steal - before.machine.steal) / (after.machine.total - before.machine.total),
  };
}

/** A backlog, then a processor: alerts a second from the first that is stored to the last, and whether all were acknowledged. */
export async function drain(site, pids, { count }) {
  const storedBefore = await site.stored();
  const { per_second: published_per_second } = await site.generator.ask({ act: 'backlog', count });
  await site.startProcessor();
  const first = await until(site, storedBefore, 1, START_MS);
  if (first.stored === 0) throw new Error(`nothing was stored within ${START_MS} ms`);
  const before = cpuOf(site, pids);
  const last = await until(site, storedBefore, count, DRAIN_MS);
  const after = cpuOf(site, pids);
  // whatever it had not acknowledged goes back into the queue when it ends
  await site.stopProcessor();
  const alerts = last.stored - first.stored;
  const unacknowledged = last.stored === count ? await leftIn(site) : await site.purge();
  return {
    alerts,
    alerts_per_second: alerts / ((last.at - first.at) / 1000),
    unacknowledged,
    published_per_second,
    ...cpuBetween(before, after, alerts),
  };
}

/** Resolves once so many are stored, or after the time, to how many are, and when that was seen. */
async function until(site, storedBefore, count, timeoutMs) {
  for (const deadline = performance.now() + timeoutMs; ; await sleep(LOOK_MS)) {
    const stored = (await site.stored()) - storedBefore;
    const at = performance.now();
    if (stored >= count || at > deadline) return { stored, at };
  }
}

/** How many messages there are in the queues once the broker has taken back what nobody acknowledged. */
async function leftIn(site) {
  for (const deadline = performance.now() + SETTLE_MS; ; await sleep(LOOK_MS)) {
    const left = await site.waiting();
    if (left === 0 || performance.now() > deadline) return left;
  }
}

/** As many as get through from a confirmed publish to every subscriber, with everything on the same two cores. */
export const live = (site, pids, { window, seconds }) =>
  watched(site, pids, { act: 'through', window, warmSeconds: 2, seconds });

/** How late an alert is at a rate that leaves room. */
export const latency = (site, pids, { rate, seconds }) =>
  watched(site, pids, { act: 'steady', rate, warmSeconds: 2, seconds });

async function watched(site, pids, load) {
  await site.startProcessor();
  try {
    await site.watch();
    const before = cpuOf(site, pids);
    const result = await site.generator.ask(load);
    return { ...result, ...cpuBetween(before, cpuOf(site, pids), result.sent) };
  } finally {
    await site.stopProcessor();
    await site.purge();
  }
}
