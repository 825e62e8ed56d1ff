import { ConfigurationError, EXIT_CONFIGURATION } from '@tocsin/settings';
import type { Health } from './health';
import type { Log } from './logger';

/**
 * How long closing may take, in milliseconds: the drain window (20 s) and the batch in hand (10 s) with room to spare,
 * below the 45 s or more of grace that an orchestrator gives.
 */
const CLOSE_TIMEOUT_MS = 40_000;
/**
 * How long closing may take after a fault of our own, in milliseconds. The state of the process is uncertain then, so
 * only what settles quickly is settled.
 */
const CRASH_CLOSE_TIMEOUT_MS = 5_000;
/**
 * One Ctrl-C can arrive twice, from the terminal and from npm. A second signal within this time is ignored, in
 * milliseconds.
 */
const SIGNAL_ECHO_MS = 300;

/** What `main.ts` reports while it starts. */
export interface Life {
  /**
   * From this call on, fatal faults go to `log` instead of stderr, and `health` is not ready after the first signal.
   */
  reportsTo(log: Log, health?: Health): void;
  /** From this call on, the end of the process closes `thing` first. Several are closed in reverse order. */
  closes(thing: { close(): Promise<unknown> }): void;
}

type RunningProcess = Pick<NodeJS.Process, 'on' | 'exit'> & { stderr: { write(text: string): unknown } };

/**
 * Runs an app's `main` and ends the process for one of these reasons:
 *
 * - SIGTERM or SIGINT: everything is closed, also during the start, exit 0; after a second signal or 40 s: exit 1.
 * - A wrong configuration: one sentence for each problem on stderr, exit 78.
 * - `main` rejects, or there is an unhandled exception or rejection: logged as fatal, closed within 5 s, exit 1.
 */
export function runProcess(main: (life: Life) => Promise<void>, running: RunningProcess = process): void {
  const closers: (() => Promise<unknown>)[] = [];
  let log: Log | undefined;
  let health: Health | undefined;
  let ending = false;
  let endingSince = 0;

  const end = async (code: number, timeoutMs: number): Promise<void> => {
    ending = true;
    endingSince = performance.now();
    health?.notReady('draining');
    const timeout = setTimeout(() => {
      tell(new Error(`Closing took more than ${timeoutMs / 1000} s.`), 'the process is ended by force');
      running.exit(1);
    }, timeoutMs);
    let exitCode = code;
    for (const close of closers.reverse()) {
      await close().catch((error: unknown) => {
        tell(error, 'closing failed');
        exitCode = 1;
      });
    }
    clearTimeout(timeout);
    running.exit(exitCode);
  };

  const tell = (error: unknown, message: string) => {
    if (log) log.fatal({ err: error }, message);
    else running.stderr.write(`${message}: ${error instanceof Error ? error.message : String(error)}\n`);
  };

  const crash = (error: unknown, message: string) => {
    tell(error, message);
    if (!ending) void end(1, CRASH_CLOSE_TIMEOUT_MS);
  };

  const onSignal = (signal: string) => {
    if (ending) {
      if (performance.now() - endingSince > SIGNAL_ECHO_MS) running.exit(1);
      return;
    }
    log?.info({ signal }, 'ending');
    void end(0, CLOSE_TIMEOUT_MS);
  };

  running.on('SIGTERM', onSignal);
  running.on('SIGINT', onSignal);
  running.on('unhandledRejection', (error) => crash(error, 'an unhandled rejection'));
  running.on('uncaughtException', (error) => crash(error, 'an uncaught exception'));

  const life: Life = {
    reportsTo: (toLog, toHealth) => {
      log = toLog;
      health = toHealth;
    },
    closes: (thing) => void closers.push(() => thing.close()),
  };
  loadEnvFile();
  main(life).catch((error: unknown) => {
    if (error instanceof ConfigurationError) {
      running.stderr.write(error.problems.map((problem) => `${problem}\n`).join(''));
      running.exit(EXIT_CONFIGURATION);
    } else if (!ending) crash(error, 'start failed');
  });
}

/**
 * Reads settings from a file `.env` in the working directory, if there is one. Variables of the environment have
 * precedence.
 */
function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
