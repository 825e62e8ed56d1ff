import { aboutSetting, ConfigurationError, readSettings } from '@tocsin/settings';
import { authSettings, checkAuthSettings, weakAuthSettings } from './settings';

const read = (environment: Record<string, string>) => readSettings(authSettings, environment, checkAuthSettings);
const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    read(environment);
    return [];
  } catch (error) {
    return (error as ConfigurationError).problems;
  }
};
const SECRET = 'a'.repeat(32);

describe('the settings', () => {
  test('need a way to verify tokens', () => {
    expect(problemsOf({})).toEqual(['JWT_SECRET (`openssl rand -base64 48` makes one) or JWT_JWKS_URL is required.']);
    expect(problemsOf({ JWT_SECRET: SECRET })).toEqual([]);
    expect(problemsOf({ JWT_JWKS_URL: 'https://id.example.com/keys', TICKET_SECRET: SECRET })).toEqual([]);
  });

  test('name a weak secret and never show it', () => {
    const problems = problemsOf({ JWT_SECRET: 'canary-secret', TICKET_SECRET: '-----BEGIN PUBLIC KEY----- canary' });
    expect(problems).toHaveLength(2);
    expect(problems[0]).toMatch(
      /^JWT_SECRET is not valid: at least 32 bytes are needed \(`openssl rand -base64 48` makes one\)\.$/,
    );
    expect(problems[1]).toMatch(/^TICKET_SECRET is not valid: a PEM key is not a secret/);
    expect(problems.join()).not.toContain('canary');
  });

  test('count a secret in bytes', () => {
    expect(problemsOf({ JWT_SECRET: 'é'.repeat(16) })).toEqual([]);
    expect(problemsOf({ JWT_SECRET: 'é'.repeat(15) })).toHaveLength(1);
  });

  test.each([
    [{ JWT_SECRET: SECRET, JWT_JWKS_URL: 'https://x/', TICKET_SECRET: SECRET }, /never mixed/],
    [{ JWT_JWKS_URL: 'https://x/' }, /TICKET_SECRET is required/],
    [
      { JWT_JWKS_URL: 'https://x/', TICKET_SECRET: SECRET, JWT_SECRET_PREVIOUS: SECRET },
      /JWT_SECRET_PREVIOUS is of no use/,
    ],
    [{ JWT_SECRET: SECRET, TICKET_SECRET_PREVIOUS: SECRET }, /TICKET_SECRET_PREVIOUS is of no use/],
  ])('refuse the contradiction %#', (environment, problem) => {
    expect(problemsOf(environment as Record<string, string>)).toEqual([expect.stringMatching(problem)]);
  });

  test.each([
    ['JWT_JWKS_URL', 'ftp://id/keys'],
    ['JWT_JWKS_ALGORITHMS', 'RS256,HS256'],
    ['JWT_JWKS_ALGORITHMS', 'none'],
    ['TENANT_SERVICE_URL', 'tenant-service'],
    ['TENANT_SERVICE_TOKEN', 'two words'],
  ])('refuse %s=%s, by name', (name, value) => {
    expect(problemsOf({ JWT_SECRET: SECRET, [name]: value })).toEqual([expect.stringMatching(`^${name} is not valid`)]);
  });

  test('read a list of algorithms and a template for an address', () => {
    const settings = read({
      JWT_SECRET: SECRET,
      JWT_JWKS_ALGORITHMS: 'ES256, PS512',
      TENANT_SERVICE_URL: 'http://t/users/{user_id}?all=1',
    });
    expect(settings).toMatchObject({
      JWT_JWKS_ALGORITHMS: ['ES256', 'PS512'],
      TENANT_SERVICE_URL: 'http://t/users/{user_id}?all=1',
    });
  });

  test('say what is weak', () => {
    expect(weakAuthSettings(read({ JWT_SECRET: SECRET }))).toHaveLength(2);
    expect(weakAuthSettings(read({ JWT_SECRET: SECRET, JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' }))).toEqual([]);
    expect(
      weakAuthSettings(read({ JWT_JWKS_URL: 'http://x/', TICKET_SECRET: SECRET, JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' })),
    ).toHaveLength(1);
  });

  test('are each described, and the secrets marked', () => {
    for (const [name, schema] of Object.entries(authSettings)) {
      expect(aboutSetting(schema).description).not.toBe('');
      expect([name, aboutSetting(schema).secret ?? false]).toEqual([name, /SECRET|TOKEN$/.test(name)]);
    }
  });
});
