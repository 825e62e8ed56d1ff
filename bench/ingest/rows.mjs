// The measurements, one function for each row.
import { spawn } from 'node:child_process';
import { execPath } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicroseconds, machineTicks } from '../stream/processes.mjs';
import { watchSessions } from './session-cpu.mjs';

const LOOK_MS = 20;
/** A backlog that is not drained by then has shown its rate. The rest of it is deleted. */
const DRAIN_MS = 10_000;
/** A processor that stores nothing for this long is broken. */
const START_MS = 30_000;
/** The broker notices at once that a consumer is gone, but updates its counts only now and then. */
const SETTLE_MS = 5_000;

/** The CPU time of each process that is there all the time, and of the machine. */
function cpuOf(site, pids) {
  const processes = {
    ...(site.processor && { processor: site.processor.pid }),
    ...(site.gateway && { gateway: site.gateway.pid }),
    generator: site.generator.child.pid,
    ...pids,
  };
  return {
    at: performance.now(),
    machine: machineTicks(),
    of: Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, cpuMicroseconds(pid)])),
  };
}

/**
 * The result of some work, and a function that gives what was used for so many alerts meanwhile: each process's share
 * of one core, and its microseconds per alert. `backends` are PostgreSQL's sessions for this site alone.
 */
async function withCpu(site, pids, work) {
  const sessions = pids.postgres && (await watchSessions(() => site.backends()));
  try {
    const before = cpuOf(site, pids);
    const result = await work();
    const after = cpuOf(site, pids);
    const backends = sessions && { backends: await sessions.end() };
    return { result, cpu: (alerts) => cpuBetween(before, after, backends, alerts) };
  } finally {
    sessions?.stop();
  }
}

function cpuBetween(before, after, backends, alerts) {
  const wallUs = (after.at - before.at) * 1000;
  const processes = Object.entries(before.of).map(([name, us]) => [name, after.of[name] - us]);
  const used = [...processes, ...Object.entries(backends ?? {})];
  return {
    cores: Object.fromEntries(used.map(([name, us]) => [name, us / wallUs])),
    us_per_alert: Object.fromEntries(used.map(([name, us]) => [name, us / alerts])),
    ...('processor' in before.of && {
      processor_us_per_alert: (after.of.processor - before.of.processor) / alerts,
    }),
    machine_busy: (after.machine.busy - before.machine.busy) / (after.machine.total - before.machine.total),
    machine_stolen: (after.machine.steal - before.machine.steal) / (after.machine.total - before.machine.total),
  };
}

/**
 * Drains a backlog with a processor: alerts per second from the first stored one to the last, and whether all were
 * acknowledged.
 */
export async function drain(site, pids, { count }) {
  const storedBefore = await site.stored();
  const { per_second: published_per_second } = await site.generator.ask({ act: 'backlog', count });
  await site.startProcessor();
  const first = await until(site, storedBefore, 1, START_MS);
  if (first.stored === 0) throw new Error(`nothing was stored within ${START_MS} ms`);
  const { result: last, cpu } = await withCpu(site, pids, () => until(site, storedBefore, count, DRAIN_MS));
  // messages that it had not acknowledged return to the queue when it ends
  await site.stopProcessor();
  const alerts = last.stored - first.stored;
  const unacknowledged = last.stored === count ? await leftIn(site) : await site.purge();
  return {
    alerts,
    alerts_per_second: alerts / ((last.at - first.at) / 1000),
    unacknowledged,
    published_per_second,
    ...cpu(alerts),
  };
}

/**
 * Resolves once `count` alerts are stored, or after the timeout, with the number that is stored and the time of that
 * reading.
 */
async function until(site, storedBefore, count, timeoutMs) {
  for (const deadline = performance.now() + timeoutMs; ; await sleep(LOOK_MS)) {
    const stored = (await site.stored()) - storedBefore;
    const at = performance.now();
    if (stored >= count || at > deadline) return { stored, at };
  }
}

/** The number of messages in the queues once the broker has taken back all that were not acknowledged. */
async function leftIn(site) {
  for (const deadline = performance.now() + SETTLE_MS; ; await sleep(LOOK_MS)) {
    const left = await site.waiting();
    if (left === 0 || performance.now() > deadline) return left;
  }
}

/** The throughput from a confirmed publish to every subscriber, with all processes on the same two cores. */
export const live = (site, pids, { window, seconds }) =>
  watched(site, pids, { act: 'through', window, warmSeconds: 2, seconds });

/** The latency of alerts at a rate that leaves spare capacity. */
export const latency = (site, pids, { rate, seconds }) =>
  watched(site, pids, { act: 'steady', rate, warmSeconds: 2, seconds });

/** Measures beside a process that never waits. */
export async function besideBusy(measure) {
  const busy = spawn(execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  try {
    return await measure();
  } finally {
    busy.kill('SIGKILL');
  }
}

async function watched(site, pids, load) {
  await site.startProcessor();
  try {
    await site.watch();
    const { result, cpu } = await withCpu(site, pids, () => site.generator.ask(load));
    return { ...result, ...cpu(result.sent) };
  } finally {
    await site.stopProcessor();
    await site.purge();
  }
}
