import { aTenant } from '@tocsin/contracts/testing';
import type { VerifiedToken } from '@tocsin/auth';
import { IdentifyClient } from './identify-client';
import type { Credential } from './stream-request';

const mine = ['north', 'harbour'].map((name) => ({ tenant_id: aTenant(name), name, role: 'owner' }));
const rightOf = (token: string, scope = 'alerts:read') =>
  ({ user_id: token, scopes: new Set([scope]), token }) as unknown as VerifiedToken;

let revoked: string[];
let scope: string;
/** Every credential verifies to a right that is named after it. */
const identify = (kind: Credential['kind'], tenants: string[] | null = null, { queryToken = true } = {}) =>
  new IdentifyClient(
    { verify: (value: string) => Promise.resolve(rightOf(`verified ${value}`, scope)) } as never,
    {
      redeem: (value: string) => Promise.resolve(rightOf(`redeemed ${value}`, scope)),
      accept: (value: string) => rightOf(`accepted ${value}`, scope),
    } as never,
    { of: () => Promise.resolve(mine) } as never,
    { isRevoked: ({ token }: VerifiedToken) => revoked.includes(token) } as never,
    { STREAM_QUERY_TOKEN: queryToken } as never,
    { cookieName: undefined, rightOf: (value: string) => Promise.resolve(rightOf(`session ${value}`, scope)) } as never,
  ).of({ credential: { kind, value: 'x' }, tenants });
beforeEach(() => ([revoked, scope] = [[], 'alerts:read']));

it.each([
  ['bearer', 'verified x'],
  ['query_token', 'verified x'],
  ['ticket', 'redeemed x'],
  ['cookie', 'accepted x'],
  ['session', 'session x'],
] as const)('a %s is %s, and opens the tenants of its user', async (kind, user) => {
  const { right, memberships } = await identify(kind);
  expect([right.user_id, memberships]).toEqual([user, mine]);
});

it('a stream is of those tenants that are asked for, and of none that is not the user’s', async () => {
  expect((await identify('bearer', ['harbour'])).memberships).toEqual([mine[1]]);
  await expect(identify('bearer', ['harbour', 'foreign'])).rejects.toMatchObject({ code: 'tenant_forbidden' });
});

it('a token in the address is refused where it is not accepted, before it is verified', async () => {
  revoked = ['verified x'];
  await expect(identify('query_token', null, { queryToken: false })).rejects.toMatchObject({
    code: 'query_token_denied',
  });
  await expect(identify('query_token')).rejects.toMatchObject({ code: 'token_revoked' });
});

it.each(['bearer', 'ticket', 'cookie'] as const)(
  'a %s that was revoked, or does not read, is refused',
  async (kind) => {
    scope = 'alerts:publish';
    await expect(identify(kind)).rejects.toMatchObject({ code: 'insufficient_scope' });
    revoked = ['verified x', 'redeemed x', 'accepted x'];
    await expect(identify(kind)).rejects.toMatchObject({ code: 'token_revoked' });
  },
);
