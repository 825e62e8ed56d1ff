import { Unavailable, type Membership, type TenantId } from '@tocsin/contracts';
import { aTenant } from '@tocsin/contracts/testing';
import { Memberships, type VerifiedToken } from '@tocsin/auth';
import { createLogger, Metrics } from '@tocsin/observability';
import { VisibleTenants } from '../access/visible-tenants';
import type { EventStream } from '../live/event-stream';
import { Lifetimes } from '../live/lifetime';
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

describe('the tenants that a stream goes on with', () => {
  const [lost, kept] = mine as [Membership, Membership];
  const right = { ...rightOf('ana'), claims: {} } as VerifiedToken;
  let now: number;
  let answer: readonly Membership[] | Unavailable;
  let asked: number;
  let visible: VisibleTenants;
  let identifyClient: IdentifyClient;
  let lifetimes: Lifetimes;

  beforeEach(() => {
    // the first look-up of an open stream is as late as it can be
    jest.spyOn(Math, 'random').mockReturnValue(0.999_999);
    [now, answer, asked] = [0, mine, 0];
    const directory = {
      tenantsOf: async () => {
        asked += 1;
        if (answer instanceof Unavailable) throw answer;
        return answer;
      },
    };
    const revocations = {
      isRevoked: () => false,
      tenantsRevoked: () => new Set<TenantId>(),
      onNew: () => () => undefined,
    };
    const metrics = new Metrics({ version: '', commit: '', tenantLimit: 0 });
    visible = new VisibleTenants(new Memberships(directory, metrics, {}, () => now), revocations, undefined);
    identifyClient = new IdentifyClient(
      { verify: () => Promise.resolve(right) } as never,
      {} as never,
      visible,
      revocations as never,
      {} as never,
      {} as never,
    );
    const logger = createLogger({ app: 'test', level: 'silent' });
    lifetimes = new Lifetimes(visible, revocations, 32, logger, {} as never, () => now);
  });
  afterEach(() => {
    lifetimes.close();
    jest.restoreAllMocks();
  });

  const open = () => identifyClient.of({ credential: { kind: 'bearer', value: 'x' }, tenants: null });

  /** Opens a stream, and returns when it does not have the lost tenant any more. */
  async function lostAt(): Promise<number> {
    const { memberships } = await open();
    const stream = {
      tenants: memberships.map(({ tenant_id }) => tenant_id),
      closed: false,
      whenEnded: () => undefined,
      drop: (tenant: TenantId): void => void (stream.tenants = stream.tenants.filter((one) => one !== tenant)),
      close: (): void => void (stream.tenants = []),
    };
    const change = () => Promise.resolve();
    lifetimes.watch({ stream: stream as unknown as EventStream, right, wanted: null, memberships, change });
    for (; stream.tenants.includes(lost.tenant_id) && now < 1_000_000; now += 1_000) await lifetimes.recheckDue();
    return now;
  }

  it.each([0, 9_000, 10_000, 59_000])(
    'are without one that was removed a minute ago, when the stream is opened %i ms after the last answer',
    async (openedAt) => {
      await visible.of(right);
      answer = [kept];
      now = openedAt;
      expect(await lostAt()).toBeLessThanOrEqual(60_000);
    },
  );

  it.each([400_000, 540_000, 549_000])(
    'stand in for ten minutes at most, when the tenant service is away and the stream is opened after %i ms',
    async (openedAt) => {
      await visible.of(right);
      answer = new Unavailable('directory', 'away');
      now = openedAt;
      const closedAt = await lostAt();
      expect(closedAt).toBeGreaterThan(openedAt);
      expect(closedAt).toBeLessThanOrEqual(600_000);
    },
  );

  it('are asked for once when a user opens many streams within 10 s', async () => {
    await Promise.all([open(), open()]);
    now += 9_999;
    await open();
    expect(asked).toBe(1);
  });
});
