import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenVerifier } from '@tocsin/auth';
import { REVOCATION_IN_FORCE_MS } from '@tocsin/contracts/ports';
import { runCli } from './run-cli';
import { PlayedTerminal } from './testing/played-terminal';

const SECRET = 'a secret of the test, long enough for HS256';
const made = async (args: string[], environment: Record<string, string> = { JWT_SECRET: SECRET }, settings = {}) => {
  const terminal = new PlayedTerminal(environment);
  expect(await runCli(['token', ...args], terminal)).toBe(0);
  expect(terminal.stdout).toHaveLength(1);
  const verifier = new TokenVerifier({ JWT_SECRET: SECRET, JWT_JWKS_ALGORITHMS: [], ...settings });
  return {
    verified: await verifier.verify(terminal.stdout[0]),
    err: terminal.stderr.join('\n'),
    token: terminal.stdout[0]!,
  };
};
const secondsLeft = (expiresAt: number) => Math.round((expiresAt - Date.now()) / 1000);

test('without options it lets the demo user read for twelve hours; what it is stands on stderr, without the token', async () => {
  const { verified, err, token } = await made([]);
  expect(verified).toMatchObject({ user_id: 'ana@example.test', scopes: new Set(['alerts:read']) });
  expect(Math.abs(secondsLeft(verified.expires_at) - 12 * 3600)).toBeLessThanOrEqual(5);
  expect(err).toMatch(
    /^A token · ana@example\.test · alerts:read · until \d{4}-\d\d-\d\dT\d\d:\d\dZ · signed with JWT_SECRET$/,
  );
  expect(err).not.toContain(token);
});

test('user, scopes (repeated or listed) and time are what the options say', async () => {
  const { verified } = await made([
    '--user',
    'svc-ovens',
    '--scope',
    'events:publish,alerts:write',
    '--scope',
    'alerts:read',
    '--expires',
    '30m',
  ]);
  expect(verified).toMatchObject({
    user_id: 'svc-ovens',
    scopes: new Set(['events:publish', 'alerts:write', 'alerts:read']),
  });
  expect(Math.abs(secondsLeft(verified.expires_at) - 1800)).toBeLessThanOrEqual(5);
});

test('the longest token does not outlive its revocation', async () => {
  const { verified } = await made(['--expires', '366d']);
  expect(verified.expires_at - Date.now()).toBeLessThan(REVOCATION_IN_FORCE_MS);
});

test('with --json the token comes with what it allows', async () => {
  const terminal = new PlayedTerminal({ JWT_SECRET: SECRET });
  expect(await runCli(['token', '--json', '--tenants', 'bakery', '--expires', '60s'], terminal)).toBe(0);
  const said = JSON.parse(terminal.stdout.join('')) as Record<string, string>;
  expect(said).toEqual({
    token: expect.any(String),
    user_id: 'ana@example.test',
    scopes: ['alerts:read'],
    tenants: ['bakery'],
    expires_at: expect.any(String),
  });
  const verified = await new TokenVerifier({ JWT_SECRET: SECRET, JWT_JWKS_ALGORITHMS: [] }).verify(said.token!);
  expect(verified.user_id).toBe('ana@example.test');
  expect(Math.abs(Date.parse(said.expires_at!) - verified.expires_at)).toBeLessThanOrEqual(2_000);
});

test('tenants stand in the claim that the gateway reads, else in `tenants`, with a word about the gateway', async () => {
  const named = await made(['--tenants', 'north-bakery,harbour-cafe', '--tenants', 'north-bakery'], {
    JWT_SECRET: SECRET,
    JWT_TENANTS_CLAIM: 'orgs',
  });
  expect(named.verified.claims.orgs).toEqual(['north-bakery', 'harbour-cafe']);
  expect(named.err).not.toContain('A gateway heeds');
  const unnamed = await made(['--tenants', 'north-bakery']);
  expect(unnamed.verified.claims.tenants).toEqual(['north-bakery']);
  expect(unnamed.err).toContain('JWT_TENANTS_CLAIM=tenants');
});

test('issuer and audience are those that the gateway checks', async () => {
  const checked = { JWT_ISSUER: 'https://id.example.com/', JWT_AUDIENCE: 'tocsin' };
  const { verified } = await made([], { JWT_SECRET: SECRET, ...checked }, checked);
  expect(verified.claims).toMatchObject({ iss: checked.JWT_ISSUER, aud: checked.JWT_AUDIENCE });
});

test('without JWT_SECRET it signs with what the standalone keeps', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-token-'));
  writeFileSync(join(folder, 'jwt-secret'), `${SECRET}\n`);
  const { err } = await made([], { DATA_DIR: folder });
  expect(err).toContain(`signed with ${join(folder, 'jwt-secret')}`);
  rmSync(folder, { recursive: true });
});
