import { readSettings } from '@tocsin/settings';
import { databaseUrlOf, migrationUrlOf, postgresSettings } from './settings';

const read = (environment: Record<string, string>) => readSettings(postgresSettings, environment);

it('DATABASE_URL has precedence over the DB_ settings, which make one when it is unset', () => {
  expect(databaseUrlOf(read({ DATABASE_URL: 'postgres://u@h/d', DB_HOST: 'other' }))).toBe('postgres://u@h/d');
  expect(
    databaseUrlOf(
      read({
        DB_HOST: 'db',
        DB_PORT: '6432',
        DB_NAME: 'a/b',
        DB_USER: 'me@x',
        DB_PASS: 'p:/?#',
        DB_PARAMS: '?sslmode=require',
      }),
    ),
  ).toBe('postgresql://me%40x:p%3A%2F%3F%23@db:6432/a%2Fb?sslmode=require');
  expect(databaseUrlOf(read({ DB_HOST: '::1' }))).toBe('postgresql://tocsin@[::1]:5432/tocsin');
});

it('without either it is the one of this machine, except where there is an embedded one', () => {
  expect(databaseUrlOf(read({}))).toBe('postgresql://tocsin@localhost:5432/tocsin');
  expect(databaseUrlOf({ ...read({}), DB_HOST: undefined })).toBeUndefined();
  expect(migrationUrlOf({ ...read({}), DB_HOST: undefined })).toBeUndefined();
});

it('DATABASE_MIGRATION_URL defaults to the address of the apps', () => {
  expect(migrationUrlOf(read({ DATABASE_URL: 'postgres://u@h/d' }))).toBe('postgres://u@h/d');
  expect(migrationUrlOf(read({ DATABASE_URL: 'postgres://u@h/d', DATABASE_MIGRATION_URL: 'postgres://o@h/d' }))).toBe(
    'postgres://o@h/d',
  );
});

it('the time of a statement leaves the driver a second more, within what a timer can wait for', () => {
  expect(read({ DB_STATEMENT_TIMEOUT_MS: '2147482647' }).DB_STATEMENT_TIMEOUT_MS).toBe(2_147_482_647);
  expect(() => read({ DB_STATEMENT_TIMEOUT_MS: '2147482648' })).toThrow(/^DB_STATEMENT_TIMEOUT_MS is not valid/);
});

it('a wrong address is named, never shown', () => {
  expect(() => read({ DATABASE_URL: 'mysql://u:hush@h/d' })).toThrow(/^DATABASE_URL is not valid/);
  expect(() => read({ DATABASE_URL: 'mysql://u:hush@h/d' })).not.toThrow(/hush/);
});

it.each(['postgres://h1,h2/d', 'postgres://u@h1:1,h2:2/d?target_session_attrs=read-write'])(
  'an address of several hosts is refused: %s',
  (DATABASE_URL) => expect(() => read({ DATABASE_URL })).toThrow(/one host/),
);

it('a password may have a comma', () => {
  expect(read({ DATABASE_URL: 'postgres://u:a,b@h/d' }).DATABASE_URL).toBe('postgres://u:a,b@h/d');
});
