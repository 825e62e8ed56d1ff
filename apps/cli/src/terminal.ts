import type { Calling } from './calling';

/** The parts of its process that a command uses. A command uses nothing else of it, so a test can replace it. */
export interface Terminal {
  /** How the person calls this program. */
  calling: Calling;
  environment: Readonly<Record<string, string | undefined>>;
  stdin: AsyncIterable<Uint8Array>;
  /** A line of the result: stdout. */
  out(line: string): void;
  /** A line for the person at the terminal: stderr. */
  err(line: string): void;
  /** Whether the result may have colours. */
  colours: boolean;
  /** After the first call Ctrl+C and SIGTERM abort this signal instead of ending the process. A second one ends it. */
  interrupted(): AbortSignal;
}

/** One Ctrl+C can arrive twice, from the terminal and from npm. A second press by a person comes later than this. */
const SIGNAL_ECHO_MS = 300;
/** The exit code that a shell reports for a process that SIGINT ended: 128 + 2. */
const EXIT_INTERRUPTED = 130;

export function processTerminal(
  running: NodeJS.Process,
  environment: Terminal['environment'],
  calling: Calling,
): Terminal {
  let controller: AbortController | undefined;
  return {
    calling,
    environment,
    stdin: running.stdin,
    out: (line) => void running.stdout.write(`${line}\n`),
    err: (line) => void running.stderr.write(`${line}\n`),
    colours: running.stdout.isTTY === true && !environment.NO_COLOR,
    interrupted() {
      controller ??= abortOnSignal(running);
      return controller.signal;
    },
  };
}

function abortOnSignal(running: NodeJS.Process): AbortController {
  const controller = new AbortController();
  let since = 0;
  const onSignal = () => {
    if (controller.signal.aborted && performance.now() - since > SIGNAL_ECHO_MS) running.exit(EXIT_INTERRUPTED);
    if (controller.signal.aborted) return;
    since = performance.now();
    controller.abort();
  };
  running.on('SIGINT', onSignal);
  running.on('SIGTERM', onSignal);
  return controller;
}

/** Foreign text as one line, without characters that a terminal would interpret as a command. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
