import 'reflect-metadata';
import { runCli } from './run-cli';
import { processTerminal } from './terminal';

try {
  process.loadEnvFile();
} catch {
  // there is no .env file, and none is needed
}
// `… | head` closes stdout: the reader has enough
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

void runCli(process.argv.slice(2), processTerminal(process, process.env)).then((exitCode) => {
  process.exitCode = exitCode;
});
