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

it('an empty value is an unset one, and the result cannot be changed', () => {
  const settings = readSettings(shape, { PORT: '', SECRET: 'long enough', FLAG: 'On' });
  expect(settings).toEqual({ PORT: 8000, SECRET: 'long enough', FLAG: true });
  expect(Object.isFrozen(settings)).toBe(true);
});

it('every problem is told at once, by name and never by value', () => {
  const problems = problemsOf({ PORT: 'abc', SECRET: 'hush', FLAG: 'maybe' });
  expect(problems.map((problem) => problem.split(' ')[0])).toEqual(['PORT', 'SECRET', 'FLAG']);
  expect(problems.join()).not.toMatch(/abc|hush|maybe/);
  expect(problemsOf({})).toEqual(['SECRET is required.']);
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
