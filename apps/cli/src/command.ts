import { parseArgs } from 'node:util';
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { Terminal } from './terminal';

/** An option as its command declares it: its type, and a sentence with its unit and its default. */
interface Option {
  type: 'string' | 'boolean';
  /** The option may be given several times. */
  multiple?: boolean;
  /** The placeholder for its value in the help: `<name>`. */
  value?: string;
  /** The values that it may have, for the completion in a shell. */
  values?: readonly string[];
  /** Its value is the name of a file, which a shell completes itself. */
  isFile?: boolean;
  about: string;
}

export type Options = Readonly<Record<string, Option>>;

export type Values<O extends Options> = {
  readonly [K in keyof O]?: O[K] extends { type: 'boolean' }
    ? boolean
    : O[K] extends { multiple: true }
      ? string[]
      : string;
};

interface Given<O extends Options> {
  values: Values<O>;
  /** The chosen action, for a command that has actions; else empty. */
  action: string;
  /** The text on the command line that belongs to no option, for a command that takes an argument. */
  argument: string | undefined;
}

/** A command of the command line: its description and its work. */
export interface Command<O extends Options = Options> {
  name: string;
  /** The purpose, in a few words. */
  purpose: string;
  /** What a user should know before the first use. */
  about: string;
  /** Its actions with their descriptions. The first word after the command's name chooses one. */
  actions?: Readonly<Record<string, string>>;
  /** The action when no word chooses one; without it a word is required. */
  byDefault?: string;
  /** The name of its one argument, if it takes one. */
  argument?: string;
  options: O;
  /** Lines that can be pasted. */
  examples: readonly string[];
  /** The environment variables that it reads. */
  settings: z.ZodRawShape;
  /** What its exit codes mean where they mean more than those of every command. */
  exits?: Readonly<Record<number, string>>;
  /** How it is called in this repository; default `npm run <name>`. */
  called?: string;
  /** Runs the command and resolves with the exit code. Throws `UsageError` and `ConfigurationError`. */
  run(given: Given<O>, terminal: Terminal): Promise<number>;
}

/** The command line itself is wrong. The message is one sentence. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** The exit code for a wrong command line. */
export const EXIT_USAGE = 2;

/** Reads the arguments after a command's name. Throws `UsageError`. */
export function readArguments<O extends Options>(
  { name, options, argument, actions, byDefault }: Command<O>,
  args: readonly string[],
): Given<O> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...options },
      allowPositionals: true,
      strict: true,
    });
    const action = actions ? readAction(name, actions, positionals.shift() ?? byDefault) : '';
    const allowed = argument ? 1 : 0;
    if (positionals.length > allowed) {
      throw new UsageError(
        argument
          ? `${name} takes one ${argument}, in quotes: "${positionals[allowed]}" is one too many.`
          : `${name} takes options only: "${positionals[0]}" is none.`,
      );
    }
    return { values: values as Values<O>, action, argument: positionals[0] };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw inOneSentence(error, Object.keys(options));
  }
}

function readAction(name: string, actions: Readonly<Record<string, string>>, given: string | undefined): string {
  const known = Object.keys(actions);
  if (given === undefined) throw new UsageError(`${name} does what? ${known.join(', ')}; --help says more.`);
  if (known.includes(given)) return given;
  throw new UsageError(`${name} does not ${given}.${suggestion(given, known) || ` It does ${known.join(', ')}.`}`);
}

/** The nearest known name, as a question; empty when no name is near enough. */
export function suggestion(name: string, known: readonly string[], prefix = ''): string {
  const candidate = closest(name, known);
  return distance(name, candidate) <= 3 ? ` Did you mean ${prefix}${candidate}?` : '';
}

/** The message of Node's parser is a paragraph and names no known option, so it is replaced by one sentence. */
function inOneSentence(error: unknown, known: readonly string[]): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const option = /'(?:-\w, )?(--?[^' ]+)/.exec(message)?.[1] ?? 'an option';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
    return new UsageError(`There is no option ${option}.${suggestion(option.replace(/^-+/, ''), known, '--')}`);
  if (code !== 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') return error;
  return new UsageError(message.includes('does not take') ? `${option} takes no value.` : `${option} needs a value.`);
}

/** Reads a number from an option. Throws `UsageError` outside of its bounds. */
export function readNumber(
  option: string,
  text: string,
  { least, most, whole = false }: { least: number; most: number; whole?: boolean },
): number {
  const number = text.trim() === '' ? NaN : Number(text);
  if (number >= least && number <= most && (!whole || Number.isInteger(number))) return number;
  throw new UsageError(`${option} is ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}.`);
}
