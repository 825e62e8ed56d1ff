import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { say, seconds } from './report.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
/** The command line of a package's program, by its path below node_modules. */
export const tool = (...path) => [execPath, join(root, 'node_modules', ...path)];

/**
 * How long a step (of the tests: one Jest project) may take before it is ended and counted as failed: a run that hangs
 * must not hang its CI.
 */
const STEP_TIMEOUT_MS = {
  lint: 420_000,
  format: 420_000,
  types: 420_000,
  manifests: 60_000,
  build: 180_000,
  install: 600_000,
  unit: 600_000,
  integration: 900_000,
  e2e: env.TOCSIN_FAULTS === 'full' ? 5_400_000 : 2_700_000,
};

/**
 * How long a program may stay when it has reported all that it had to do: something in it was left open, which is a
 * failure.
 */
const LINGER_MS = 30_000;

const running = new Set();
let stopping = false;

/** Whether the run was interrupted: no further step is to begin. */
export const isStopping = () => stopping;

/** Passes a signal on to every program that runs, and lets no further step begin. */
export function stopRunning(signal) {
  stopping = true;
  for (const child of running) child.kill(signal);
}

/**
 * Runs a program without an input. Resolves to its exit code (timeout or signal: 1) and, when it is captured, its
 * output. `report`: the file that it writes when it is done.
 */
export function run([command, ...args], { step, capture = false, environment = {}, report }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...env, ...environment },
      stdio: ['ignore', capture ? 'pipe' : 'inherit', capture ? 'pipe' : 'inherit'],
    });
    running.add(child);
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    const timeout = setTimeout(() => {
      output += `\nended after ${seconds(STEP_TIMEOUT_MS[step])}`;
      say(`  ✗ ${step}: no end after ${seconds(STEP_TIMEOUT_MS[step])}`);
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
    }, STEP_TIMEOUT_MS[step]);
    let lingers;
    const watch =
      report &&
      setInterval(() => {
        if (lingers || !existsSync(report)) return;
        lingers = setTimeout(() => {
          say(`  ✗ ${step}: done, and no end after ${seconds(LINGER_MS)}`);
          child.kill('SIGKILL');
        }, LINGER_MS);
      }, 1_000);
    const end = (code, why = '') => {
      clearTimeout(timeout);
      clearInterval(watch);
      clearTimeout(lingers);
      running.delete(child);
      resolve({ code: code ?? 1, output: output + why });
    };
    child.on('error', (error) => end(1, error.message));
    child.on('close', (code) => end(code));
  });
}

/** Whether a program is there and ends well when it is asked this. */
export const has = (program, ...args) => spawnSync(program, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
