import { ConfigurationError, EXIT_CONFIGURATION } from '@tocsin/settings';
import { redact, version } from '@tocsin/observability';
import { asCalled } from './calling';
import { EXIT_USAGE, readArguments, suggestion, UsageError, type Command } from './command';
import { alerts } from './alerts';
import { bench } from './bench';
import { ASK, completion, completionLines } from './completion';
import { deadLetters } from './dead-letters';
import { deliveries } from './deliveries';
import { demo } from './demo';
import { doctor } from './doctor';
import { helpFor, helpForAll } from './help';
import { migrate } from './migrate';
import { start } from './start';
import { publish } from './publish';
import { printable, type Terminal } from './terminal';
import { tenants } from './tenants';
import { tail } from './tail';
import { token } from './token';
import { vapidKeys } from './vapid-keys';

export const COMMANDS: readonly Command[] = [
  start,
  migrate,
  tenants,
  token,
  publish,
  demo,
  tail,
  alerts,
  deadLetters,
  deliveries,
  doctor,
  bench,
  vapidKeys,
  completion,
];

/**
 * Runs `<command> [options]` and resolves with the exit code: 0 done, 1 the command failed, 2 the command line is
 * wrong, 78 the configuration is wrong. Errors are printed as sentences. Never rejects.
 */
export async function runCli(args: readonly string[], given: Terminal): Promise<number> {
  // sentences name commands as the scripts of npm; a person who has installed the package has `tocsin`
  const terminal: Terminal = Object.assign(Object.create(given) as Terminal, {
    err: (line: string) => given.err(asCalled(line, given.calling)),
  });
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(error.message);
      return EXIT_USAGE;
    }
    if (error instanceof ConfigurationError) {
      for (const problem of error.problems) terminal.err(problem);
      return EXIT_CONFIGURATION;
    }
    terminal.err(`It did not work: ${printable(redact(error instanceof Error ? error.message : String(error)))}`);
    return 1;
  }
}

async function dispatch([name, ...args]: readonly string[], terminal: Terminal): Promise<number> {
  if (name === ASK) {
    for (const line of completionLines(COMMANDS, args)) terminal.out(line);
    return 0;
  }
  if (name === '--version') {
    terminal.out(version);
    return 0;
  }
  if (name === undefined)
    throw new UsageError(`Which command? ${COMMANDS.map((command) => command.name).join(', ')}; --help says more.`);
  const asked = name === 'help' ? args[0] : name;
  if (asked === undefined || isHelp(asked)) {
    terminal.out(asCalled(helpForAll(COMMANDS), terminal.calling));
    return 0;
  }
  const command = COMMANDS.find((one) => one.name === asked);
  if (!command)
    throw new UsageError(
      `There is no command ${printable(asked)}.${
        suggestion(
          asked,
          COMMANDS.map((one) => one.name),
        ) || ' --help lists them.'
      }`,
    );
  if (name === 'help' || asksForHelp(args)) {
    terminal.out(asCalled(helpFor(command), terminal.calling));
    return 0;
  }
  return command.run(readArguments(command, args), terminal);
}

const isHelp = (argument: string): boolean => argument === '--help' || argument === '-h';

/** A request for help takes precedence over everything else on the line. After `--` there are no options. */
const asksForHelp = (args: readonly string[]): boolean =>
  args.slice(0, args.includes('--') ? args.indexOf('--') : args.length).some(isHelp);
