// Processes that are measured: each is started on a core of its own, and its CPU time and memory are read from /proc.
import { fork, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { execPath } from 'node:process';

/** The measured server has this core alone; the load generators use the other one. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

export const canPin = cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;
const pinned = (core, command, args) =>
  canPin ? ['taskset', ['-c', String(core), command, ...args]] : [command, args];

const STOP_TIMEOUT_MS = 10_000;
const alive = new Set();
/** However this process ends, no process that it started may remain, nor their children. */
process.on('exit', () => {
  for (const { pid } of alive) for (const one of treeOf(pid)) process.kill(one, 'SIGKILL');
});

/** Starts a program. Its output goes to `logFile`; `until(line)` recognises the line that says it is ready. */
export async function start({ command = execPath, args, env, core, logFile, until, timeoutMs = 30_000 }) {
  const child = spawn(...pinned(core, command, args), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  watch(child);
  const log = createWriteStream(logFile);
  let output = '';
  const ready = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`not ready after ${timeoutMs} ms:\n${output}`)), timeoutMs);
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${output}`)));
    child.stderr.on('data', (chunk) => {
      output += chunk;
      log.write(chunk);
    });
    let rest = '';
    let found = false;
    child.stdout.on('data', (chunk) => {
      log.write(chunk);
      if (found) return;
      output += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const answer = until(line);
        if (answer === undefined) continue;
        found = true;
        clearTimeout(late);
        resolve(answer);
      }
    });
  });
  return { child, ready };
}

/**
 * Starts one of the bench's own scripts, which makes load, on the second core unless others are named. It gets
 * messages, one at a time, and answers each.
 */
export function startHelper(script, env, cores = LOAD_CORE) {
  const child = fork(script, [], {
    env: { ...process.env, ...env },
    serialization: 'advanced',
    ...(canPin ? { execPath: 'taskset', execArgv: ['-c', String(cores), execPath, '--max-semi-space-size=32'] } : {}),
  });
  watch(child);
  let waiting;
  let ended;
  child.on('message', ({ error, answer }) => (error ? waiting.reject(new Error(error)) : waiting.resolve(answer)));
  child.once('exit', (code) => {
    ended = new Error(`${script} ended with ${code}`);
    waiting?.reject(ended);
  });
  return {
    child,
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended);
        waiting = { resolve, reject };
        child.send(question, (error) => error && reject(error));
      }),
  };
}

function watch(child) {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
}

/** Ends a process that was started here, and waits for its end. */
export async function stop(child, signal = 'SIGTERM') {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  child.kill(signal);
  await ended;
  clearTimeout(late);
}

/** A process and all its descendants. */
function treeOf(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return [pid, ...children.flatMap(treeOf)];
}

/**
 * The CPU time of every thread of a process tree, in microseconds. From schedstat, in ns, because stat counts in 10 ms.
 */
export function cpuMicroseconds(pid) {
  let nanoseconds = 0;
  for (const process of treeOf(pid)) {
    for (const thread of readdirSync(`/proc/${process}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${process}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return nanoseconds / 1000;
}

/** The resident memory of a process tree in KB. A page that several processes share counts once for each. */
export const residentKilobytes = (pid) =>
  treeOf(pid).reduce(
    (sum, one) => sum + Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1] ?? 0),
    0,
  );

/**
 * The share of both cores, since `before`, that was used by processes other than those whose CPU microseconds are
 * given.
 */
export function machineTicks() {
  const [user, nice, system, idle, iowait, irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return {
    busy: user + nice + system + irq + softirq + steal,
    total: user + nice + system + irq + softirq + steal + idle + iowait,
    steal,
  };
}

/** How many descriptors a process may have: Node raises its own limit to this number. */
export const maxDescriptors = () => {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard === 'unlimited' ? Infinity : Number(hard);
};
