/** What a command has of the process it runs in. Commands touch nothing else of it, so that a test can play it. */
export interface Terminal {
  environment: Readonly<Record<string, string | undefined>>;
  stdin: AsyncIterable<Uint8Array>;
  /** A line of the result: stdout. */
  out(line: string): void;
  /** A line for the person who looks on: stderr. */
  err(line: string): void;
  /** Whether the result may be coloured. */
  colours: boolean;
  /** From the first call on Ctrl+C and SIGTERM abort this signal instead of ending the process. A second one ends it. */
  interrupted(): AbortSignal;
}

/** One Ctrl+C can arrive twice, from the terminal and from npm. A person who means it presses again later than this. */
const SIGNAL_ECHO_MS = 300;
/** What a shell reports of a process that SIGINT ended: 128 + 2. */
const EXIT_INTERRUPTED = 130;

export function processTerminal(running: NodeJS.Process, environment: Terminal['environment']): Terminal {
  let controller: AbortController | undefined;
  return {
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

/** Text of others as one line without anything that a terminal would take for a command. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
