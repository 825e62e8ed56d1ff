import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { misspeltSettings } from './misspelt';

// Settings are environment variables only. A library exports the slice that it needs; an app merges the slices in its
// config.ts and reads them once. No other file reads the environment.

/** The description of a setting, for `.env.example` and the table in the documents. */
interface AboutSetting {
  /** One sentence: its purpose, its unit, and the value that turns it off. */
  description: string;
  /** Its value never appears in an example, a message or a log, and `<NAME>_FILE` may name a file that holds it. */
  secret?: boolean;
  /** Whether an empty value is a value. For other settings it is an unset one. */
  takesEmpty?: boolean;
  /** The value that `.env.example` shows when there is no default. */
  example?: string;
}

/** Declares a setting: `setting(z.coerce.number().int().default(8000), { description: 'The public port.' })`. */
export const setting = <S extends z.ZodType>(schema: S, about: AboutSetting): S => schema.meta({ ...about }) as S;

/** `on`, `true`, `yes`, `1` and their opposites, in any case. */
export const onOff = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['on', 'true', 'yes', '1', 'allow', 'off', 'false', 'no', '0', 'deny'], 'on or off is needed'))
  .transform((word) => ['on', 'true', 'yes', '1', 'allow'].includes(word));

/**
 * Whether user and password of an address can be read, for a refinement of its schema. A raw `%` in them cannot, and
 * drivers would meet that at each attempt to connect.
 */
export function hasReadableUser(address: string): boolean {
  if (!URL.canParse(address)) return true;
  const { username, password } = new URL(address);
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** What is said where `hasReadableUser` is false. */
export const UNREADABLE_USER = 'user and password must be encoded: a % is written %25';

/** How to make a secret, for the sentence about one that is missing or too short. */
export const MAKE_A_SECRET = '`openssl rand -base64 48` makes one';

/**
 * Every problem of a configuration at once, one sentence each. A sentence names the variable, and shows its value only
 * when it is no secret.
 */
export class ConfigurationError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigurationError';
  }
}

/** The exit code for a wrong configuration: EX_CONFIG of sysexits.h. */
export const EXIT_CONFIGURATION = 78;

/**
 * Reads settings from the environment. A value that is empty or of blanks alone is an unset one, unless the setting
 * takes an empty one; `<NAME>_FILE` is read where `<NAME>` is a secret. `check` reports contradictions between settings
 * that are each valid. Throws `ConfigurationError`.
 */
export function readSettings<S extends z.ZodRawShape>(
  shape: S,
  environment: Readonly<Record<string, string | undefined>>,
  check: (settings: z.infer<z.ZodObject<S>>) => string[] = () => [],
): Readonly<z.infer<z.ZodObject<S>>> {
  const problems: string[] = [];
  const given: Record<string, string> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const file = environment[`${name}_FILE`];
    const { secret, takesEmpty } = aboutSetting(schema as z.ZodType);
    const value = environment[name];
    if (value?.trim() || (value === '' && takesEmpty)) given[name] = value;
    else if (file?.trim() && secret) {
      try {
        given[name] = readFileSync(file, 'utf8').trim();
      } catch {
        problems.push(`${name}_FILE names a file that cannot be read.`);
      }
    }
  }
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const result = (schema as z.ZodType).safeParse(given[name], { error: inWords });
    if (result.success) values[name] = result.data;
    else if (name in given) {
      const { secret } = aboutSetting(schema as z.ZodType);
      const what = lowerFirst(result.error.issues[0]!.message);
      problems.push(`${name} is not valid: ${what}${secret ? '' : showGiven(given[name]!)}.`);
    } else problems.push(`${name} is required.`);
  }
  const settings = values as z.infer<z.ZodObject<S>>;
  // a contradiction that involves an invalid setting would only repeat the first problem
  const faulty = problems.map((problem) => problem.split(' ', 1)[0]!);
  problems.push(...check(settings).filter((problem) => !faulty.some((name) => problem.includes(name))));
  // what was forgotten is often there under a misspelt name
  if (problems.length > 0)
    throw new ConfigurationError([...problems, ...misspeltSettings(Object.keys(shape), environment)]);
  return Object.freeze(settings);
}

export const aboutSetting = (schema: z.ZodType): AboutSetting =>
  (schema.meta() ?? { description: '' }) as unknown as AboutSetting;

/** A longer value is not shown: it may be a secret that stands in the wrong variable. */
const LONGEST_SHOWN = 40;

function showGiven(value: string): string {
  if (value.length > LONGEST_SHOWN || isCredential(value)) return ` (given: ${value.length} characters)`;
  return ` (given: ${JSON.stringify(value)})`;
}

/** An address with a user's password in it. */
const isCredential = (value: string): boolean => /:\/\/[^/]*@/.test(value);

/** What zod says of numbers, for people. Undefined leaves its own words. */
const inWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type' && issue.expected === 'number') return 'a number is needed';
  if (issue.code === 'invalid_type' && issue.expected === 'int') return 'a whole number is needed';
  if (issue.code === 'too_big' && issue.origin === 'number') return `must be at most ${issue.maximum}`;
  if (issue.code === 'too_small' && issue.origin === 'number') return `must be at least ${issue.minimum}`;
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')} is needed`;
  return undefined;
};

const lowerFirst = (sentence: string) => sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '');
