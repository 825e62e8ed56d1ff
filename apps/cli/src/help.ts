import { aboutSetting } from '@tocsin/settings';
import type { z } from 'zod';
import type { Command, Options } from './command';

const LINE_LENGTH = 110;

/** The overview of all commands. */
export function helpForAll(commands: readonly Command[]): string {
  return [
    'Tocsin on the command line.',
    '',
    table(commands.map((command) => [calledAs(command), command.purpose])),
    '',
    '`npm run <command> -- --help` explains one of them with its options and the environment variables that act.',
    'A file .env is read when there is one; the environment itself wins over it.',
    `Exit codes: ${Object.entries(EXITS)
      .map(([code, meaning]) => `${code} ${meaning}`)
      .join(' · ')}.`,
  ].join('\n');
}

/** The complete help of one command. */
export function helpFor(command: Command): string {
  const { name, purpose, about, actions, byDefault, argument, options, examples, settings } = command;
  const choice = Object.keys(actions ?? {}).join('|');
  const words = actions
    ? [byDefault ? `[${choice}]` : choice, ...(argument ? [`[${argument}]`] : [])]
    : argument
      ? [`"<${argument}>"`]
      : [];
  const called = calledAs(command);
  const usage = [called.includes(' -- ') ? called : `${called} --`, ...words, '[options]'].join(' ');
  const variables = Object.entries(settings).map(([variable, schema]): [string, string] => [
    variable,
    sentenceOf(schema as z.ZodType),
  ]);
  return [
    `${name}: ${purpose}`,
    '',
    ...wrap(about, LINE_LENGTH),
    '',
    `Usage: ${usage}`,
    '',
    ...(actions ? [table(Object.entries(actions)), ''] : []),
    table(optionRows({ ...options, help: { type: 'boolean', about: 'Shows this help.' } })),
    '',
    examples.length === 1 ? 'Example:' : 'Examples:',
    ...examples.map((example) => `  ${example}`),
    '',
    ...(variables.length > 0 ? ['Environment:', table(variables), ''] : []),
    'Exit codes:',
    table(Object.entries({ ...EXITS, ...command.exits })),
  ].join('\n');
}

const calledAs = ({ name, called }: Command): string => called ?? `npm run ${name}`;

/** What the exit codes mean where a command does not say more. */
const EXITS = {
  0: 'done',
  1: 'it did not work',
  2: 'the command line is wrong',
  78: 'the configuration is wrong',
};

const optionRows = (options: Options): [string, string][] =>
  Object.entries(options).map(([option, { value, multiple, about }]) => [
    `--${option}${value ? ` ${value}` : ''}`,
    multiple ? `${about} May be given several times.` : about,
  ]);

function sentenceOf(schema: z.ZodType): string {
  const { description, secret } = aboutSetting(schema);
  const { data } = schema.safeParse(undefined);
  const byDefault = ['string', 'number'].includes(typeof data) && data !== '' ? [`default: ${String(data)}`] : [];
  const remarks = [...byDefault, ...(secret ? ['secret: <NAME>_FILE may name a file that holds it'] : [])];
  return remarks.length > 0 ? `${description} (${remarks.join('; ')})` : description;
}

/** Two columns. The second one is wrapped beside the first. */
function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows
    .flatMap(([name, about]) =>
      wrap(about, LINE_LENGTH - width).map(
        (line, at) => `${at === 0 ? `  ${name}`.padEnd(width) : ' '.repeat(width)}${line}`,
      ),
    )
    .join('\n');
}

function wrap(text: string, length: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > length) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
