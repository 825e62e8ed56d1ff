import { misspeltSettings } from './misspelt';

const NAMES = ['JWT_SECRET', 'HEARTBEAT_MS', 'DB_HOST', 'DB_PORT', 'PORT', 'PAGE', 'STREAMS_PER_USER'];

test.each([
  ['JWT_SECERT', 'JWT_SECRET'],
  ['JWT_SECRETS', 'JWT_SECRET'],
  ['HEARTBEAT_M', 'HEARTBEAT_MS'],
  ['DB_HSOT', 'DB_HOST'],
  ['DB_HOSTS', 'DB_HOST'],
  ['STREAM_PER_USER', 'STREAMS_PER_USER'],
])('%s is told with the name that was meant', (name, meant) => {
  expect(misspeltSettings(NAMES, { [name]: 'canary' })).toEqual([
    `${name} is set, and there is no setting of this name. Did you mean ${meant}?`,
  ]);
});

test.each(['PAGER', 'HOST', 'PATH', 'DB_NAME', 'JWT_ISSUER', 'npm_config_cache', 'JWT_SECRET_FILE', 'JWT_SECRET'])(
  '%s is no misspelt setting',
  (name) => expect(misspeltSettings(NAMES, { [name]: 'x' })).toEqual([]),
);

test('an empty value is an unset one', () => {
  expect(misspeltSettings(NAMES, { JWT_SECERT: '' })).toEqual([]);
});
