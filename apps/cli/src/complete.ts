import type { Command, Options } from './command';

/** Something that a word may become. */
export interface Candidate {
  word: string;
  about: string;
}

/** What the last word may become. `files`: the shell adds the names of files. */
export interface Completion {
  candidates: Candidate[];
  files: boolean;
}

/**
 * What the last of these words may become, which follow the name of the program; the last one may be empty. It is read
 * from the definitions of the commands, which also make their help, so it knows what they know.
 */
export function complete(commands: readonly Command[], words: readonly string[]): Completion {
  const current = words.at(-1) ?? '';
  const [name, ...before] = words.slice(0, -1);
  const names = commands.map(({ name: word, purpose }) => ({ word, about: purpose }));
  if (name === undefined) return matching(current, [...names, HELP, ...(current.startsWith('-') ? FLAGS : [])]);
  if (name === HELP.word) return matching(current, before.length === 0 ? names : []);
  const command = commands.find((one) => one.name === name);
  return command ? completeArguments(command, before, current) : matching(current, []);
}

const HELP: Candidate = { word: 'help', about: 'explains a command' };
const HELP_OPTION: Candidate = { word: '--help', about: 'Shows this help.' };
const FLAGS: Candidate[] = [HELP_OPTION, { word: '--version', about: 'Shows the version.' }];

function completeArguments({ options, actions }: Command, before: readonly string[], current: string): Completion {
  const { waiting, given, others, optionsEnded } = read(options, before);
  if (waiting !== undefined) return completeValue(options[waiting]!, current);
  const [, name, part] = /^--([^=]+)=(.*)$/.exec(current) ?? [];
  if (!optionsEnded && name !== undefined && options[name]?.type === 'string') {
    const { candidates, files } = completeValue(options[name], part!);
    return { candidates: candidates.map(({ word, about }) => ({ word: `--${name}=${word}`, about })), files };
  }
  const left = Object.entries(options).filter(([option, { multiple }]) => multiple || !given.has(option));
  const flags = [...left.map(([option, { about }]) => ({ word: `--${option}`, about })), HELP_OPTION];
  if (current.startsWith('-')) return matching(current, optionsEnded ? [] : flags);
  if (actions && others === 0)
    return matching(
      current,
      Object.entries(actions).map(([word, about]) => ({ word, about })),
    );
  return matching(current, current === '' && !optionsEnded ? flags : []);
}

/** What the words before the current one say. `waiting`: the option whose value comes next. */
function read(options: Options, before: readonly string[]) {
  const given = new Set<string>();
  let waiting: string | undefined;
  let others = 0;
  let optionsEnded = false;
  for (const word of before) {
    const [, name = '', value] = /^--([^=]+)(=.*)?$/.exec(word) ?? [];
    if (waiting !== undefined) waiting = undefined;
    else if (optionsEnded || !word.startsWith('-')) others += 1;
    else if (word === '--') optionsEnded = true;
    else if (options[name]) {
      given.add(name);
      if (options[name].type === 'string' && value === undefined) waiting = name;
    }
  }
  return { waiting, given, others, optionsEnded };
}

/** Several values are separated by commas: the last one is completed. */
function completeValue({ values = [], about, isFile = false }: Options[string], current: string): Completion {
  const head = current.slice(0, current.lastIndexOf(',') + 1);
  const chosen = head.split(',');
  const left = values.filter((value) => !chosen.includes(value));
  return {
    ...matching(
      current,
      left.map((value) => ({ word: `${head}${value}`, about })),
    ),
    files: isFile,
  };
}

const matching = (current: string, candidates: Candidate[]): Completion => ({
  candidates: candidates.filter(({ word }) => word.startsWith(current)),
  files: false,
});
