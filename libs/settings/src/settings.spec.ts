import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigurationError, onOff, readSettings, setting } from './settings';

const shape = {
  PORT: setting(z.coerce.number().int().max(65_535).default(8000), { description: 'The port.' }),
  SECRET: setting(z.string().min(8), { description: 'A secret.', secret: true }),
  FLAG: setting(onOff.default(false), { description: 'A switch.' }),
};
const problemsOf = (environment: Record<string, string>) => {
  try {
    readSettings(shape, environment, ({ PORT }) => (PORT === 13 ? ['PORT must not be 13.'] : []));
  } catch (error) {
    return (error as ConfigurationError).problems;
  }
  throw new Error('accepted');
};

it.each(['', ' ', '\t \n'])('the value %j is an unset one, and the result cannot be changed', (nothing) => {
  const settings = readSettings(shape, { PORT: nothing, SECRET: 'long enough', SECRET_FILE: nothing, FLAG: 'On' });
  expect(settings).toEqual({ PORT: 8000, SECRET: 'long enough', FLAG: true });
  expect(Object.isFrozen(settings)).toBe(true);
});

it('every problem is told at once, by name and with what was given, which a secret never is', () => {
  expect(problemsOf({ PORT: 'abc', SECRET: 'hush', FLAG: 'maybe' })).toEqual([
    'PORT is not valid: a number is needed (given: "abc").',
    expect.stringMatching(/^SECRET is not valid: [^(]*\.$/),
    'FLAG is not valid: on or off is needed (given: "maybe").',
  ]);
  expect(problemsOf({ PORT: '8000.5', SECRET: 'long enough' })).toEqual([
    'PORT is not valid: a whole number is needed (given: "8000.5").',
  ]);
  expect(problemsOf({ PORT: '70000', SECRET: 'long enough' })).toEqual([
    'PORT is not valid: must be at most 65535 (given: "70000").',
  ]);
  expect(problemsOf({})).toEqual(['SECRET is required.']);
  expect(problemsOf({ SECRET: '   ' })).toEqual(['SECRET is required.']);
});

it('what may be a secret in the wrong variable is not shown', () => {
  const token = 'canary'.repeat(10);
  const problems = problemsOf({ PORT: token, FLAG: 'https://ana:canary@id', SECRET: 'long enough' });
  expect(problems).toEqual([
    'PORT is not valid: a number is needed (given: 60 characters).',
    expect.stringMatching(/^FLAG .* \(given: 21 characters\)\.$/),
  ]);
});

it('a misspelt name stands beside what is missing, and alone it is no error', () => {
  expect(problemsOf({ SECRTE: 'canary' })).toEqual(['SECRET is required.']);
  const named = { MY_SECRET: setting(z.string(), { description: 'A secret.', secret: true }) };
  expect(() => readSettings(named, { MY_SECERT: 'canary' })).toThrow(
    'MY_SECRET is required.\nMY_SECERT is set, and there is no setting of this name. Did you mean MY_SECRET?',
  );
  expect(readSettings(named, { MY_SECERT: 'canary', MY_SECRET: 'x' })).toEqual({ MY_SECRET: 'x' });
});

it('contradictions between valid settings are told too', () => {
  expect(problemsOf({ PORT: '13', SECRET: 'long enough' })).toEqual(['PORT must not be 13.']);
  expect(problemsOf({ PORT: '13' })).toEqual(['SECRET is required.', 'PORT must not be 13.']);
  expect(problemsOf({ PORT: 'x' })).toEqual([expect.stringMatching(/^PORT is not valid/), 'SECRET is required.']);
});

it('a secret may stand in a file, and a file that cannot be read is told by the variable that names it', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'settings-')), 'secret');
  writeFileSync(file, 'from a file\n');
  expect(readSettings(shape, { SECRET_FILE: file }).SECRET).toBe('from a file');
  expect(problemsOf({ SECRET_FILE: '/nowhere/at/all' })).toContain('SECRET_FILE names a file that cannot be read.');
});
