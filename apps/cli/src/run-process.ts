import type { Calling } from './calling';
import { runCli } from './run-cli';
import { processTerminal } from './terminal';

/** Runs the command line of this process, and leaves its exit code. A file .env in the working directory is read. */
export function runProcess(calling: Calling): void {
  try {
    process.loadEnvFile();
  } catch {
    // there is no .env file, and none is needed
  }
  // `… | head` closes stdout: the reader has enough
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

  void runCli(process.argv.slice(2), processTerminal(process, process.env, calling)).then((exitCode) => {
    process.exitCode = exitCode;
  });
}
