import { Refused, Unavailable, type CloseReason, type Membership, type TenantId } from '@tocsin/contracts';
import type { Revocation } from '@tocsin/contracts/ports';
import { aTenant } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import {
  ClaimTenantDirectory,
  Memberships,
  type MembershipsOptions,
  type SessionToken,
  type VerifiedToken,
} from '@tocsin/auth';
import { TenantDirectory, type User } from '@tocsin/contracts/ports';
import { VisibleTenants } from '../access/visible-tenants';
import type { EventStream } from './event-stream';
import { Lifetimes, rotationMs, type Held } from './lifetime';

const [north, harbour, third] = [aTenant('north'), aTenant('harbour'), aTenant('third')];
const membership = (tenant_id: TenantId): Membership => ({ tenant_id, name: tenant_id, role: 'owner' });

/** A stream that records what was done to it. */
class Stream {
  tenants: TenantId[] = [north, harbour];
  reason: CloseReason | undefined;
  private readonly listeners: (() => void)[] = [];
  whenEnded(listener: () => void): void {
    this.listeners.push(listener);
  }
  get closed(): boolean {
    return this.reason !== undefined;
  }
  endsAt: number | undefined;
  closeAt(expiresAt: number): void {
    this.endsAt = expiresAt;
  }
  drop(tenant: TenantId): void {
    this.tenants = this.tenants.filter((one) => one !== tenant);
  }
  close(reason: CloseReason): void {
    this.reason ??= reason;
    for (const listener of this.listeners) listener();
  }
}

/** The directory's result: the same for all users, or computed for each. */
type Says = readonly Membership[] | Unavailable | ((user: User) => readonly Membership[] | Unavailable);

/** A directory that returns what the test says, and records its callers. */
class ScriptedDirectory extends TenantDirectory {
  tenantsOf(user: User): Promise<readonly Membership[]> {
    asked.push(user.user_id);
    const answer = typeof mine === 'function' ? mine(user) : mine;
    return answer instanceof Unavailable ? Promise.reject(answer) : Promise.resolve(answer);
  }
}

let now: number;
let mine: Says;
let asked: string[];
let revokedTokens: Set<string | null>;
let revokedTenants: Set<TenantId>;
let announce: (revocations: readonly Revocation[]) => void;
let lifetimes: Lifetimes;

/** Starts the lifetime check with the real memberships: calls of the directory are counted there. */
function start(directory: TenantDirectory = new ScriptedDirectory(), options: MembershipsOptions = {}): void {
  const revocations = {
    onNew: (listener: typeof announce) => {
      announce = listener;
      return () => undefined;
    },
    isRevoked: ({ jti }: { jti: string | null }) => revokedTokens.has(jti),
    tenantsRevoked: () => revokedTenants,
  };
  const memberships = new Memberships(
    directory,
    new Metrics({ version: '', commit: '', tenantLimit: 0 }),
    options,
    () => now,
  );
  lifetimes = new Lifetimes(
    new VisibleTenants(memberships, revocations, undefined),
    revocations,
    32,
    createLogger({ app: 'test', level: 'silent' }),
    { current: (id) => currentOf(id) },
    () => now,
  );
}

/** What becomes of a session when its token is renewed. */
let currentOf: (id: string) => Promise<SessionToken>;

beforeEach(() => {
  now = 0;
  currentOf = () => Promise.reject(new Error('no user is signed in'));
  mine = [membership(north), membership(harbour)];
  asked = [];
  revokedTokens = new Set();
  revokedTenants = new Set();
  start();
});
afterEach(() => lifetimes.close());

function open(
  user = 'ana',
  wanted: readonly string[] | null = null,
  jti: string | null = null,
  {
    claims = {},
    token = '',
    tenants = [north, harbour],
    session,
    expires_at = 1,
  }: Partial<{ claims: User['claims']; token: string; tenants: TenantId[] } & SessionToken> = {},
) {
  const stream = new Stream();
  stream.tenants = [...tenants];
  const changes: { tenants: string[]; joined: readonly string[] }[] = [];
  const held: Held = {
    stream: stream as unknown as EventStream,
    right: {
      ...{ user_id: user, expires_at, jti, issued_at: 0, scopes: new Set(), claims, token },
      ...(session && { session }),
    } as VerifiedToken,
    wanted,
    memberships: stream.tenants.map(membership),
    change: (memberships, joined) => {
      changes.push({ tenants: memberships.map(({ tenant_id }) => tenant_id), joined });
      stream.tenants.push(...joined);
      return Promise.resolve();
    },
  };
  lifetimes.watch(held);
  return { stream, changes };
}
const minuteLater = () => {
  now += 60_000;
  return lifetimes.recheckDue();
};
const revocation = (user_id: string, jti: string | null = null) => ({ user_id, jti }) as Revocation;

it('a user is looked up again within a minute, once however many streams, with an answer of at most 10 s', async () => {
  open();
  open();
  open('ben');
  await lifetimes.recheckDue();
  expect(asked).toEqual([]);
  await minuteLater();
  expect(asked).toEqual(['ana', 'ben']);
  open('ana');
  now += 9_000;
  await lifetimes.recheckDue();
  expect(asked).toEqual(['ana', 'ben']);
  now += 51_000;
  await lifetimes.recheckDue();
  expect(asked).toEqual(['ana', 'ben', 'ana', 'ben']);
});

describe('rights of one user name', () => {
  /** Each right gives access to its own tenants; the streams follow those. */
  const cases: [string, () => void, (own: TenantId[]) => { claims?: User['claims']; token?: string }][] = [
    [
      'two tokens that name their tenants',
      () => start(new ClaimTenantDirectory('tenants'), { cached: false }),
      (own) => ({ claims: { iss: 'i', tenants: own } }),
    ],
    [
      'users of two issuers',
      () => {
        mine = ({ claims }) => (claims.iss === 'i-north' ? [membership(north)] : [membership(harbour)]);
      },
      ([own]) => ({ claims: { iss: `i-${own === north ? 'north' : 'harbour'}` } }),
    ],
    [
      'two tokens that the tenant service is asked with',
      () => {
        start(new ScriptedDirectory(), { perToken: true });
        mine = ({ token }) => (token === 'of north' ? [membership(north)] : [membership(harbour)]);
      },
      ([own]) => ({ token: own === north ? 'of north' : 'of harbour' }),
    ],
  ];

  it.each(cases)(
    '%s: neither is given what the other has, in whichever order they came',
    async (_, prepare, rightOf) => {
      prepare();
      for (const order of [
        [north, harbour],
        [harbour, north],
      ]) {
        const opened = order.map((tenant) => ({
          tenant,
          ...open('ana', null, null, { ...rightOf([tenant]), tenants: [tenant] }),
        }));
        const narrowed = order.map((tenant) => ({
          tenant,
          ...open('ana', [tenant], null, { ...rightOf([tenant]), tenants: [tenant] }),
        }));
        for (let minutes = 0; minutes < 3; minutes += 1) await minuteLater();
        for (const { tenant, stream, changes } of [...opened, ...narrowed]) {
          expect({ tenants: stream.tenants, reason: stream.reason, changes }).toEqual({
            tenants: [tenant],
            reason: undefined,
            changes: [],
          });
        }
      }
    },
  );

  it("one right's outage closes the streams of no other", async () => {
    mine = ({ claims }) =>
      claims.iss === 'down' ? new Unavailable('directory', 'away') : [membership(north), membership(harbour)];
    const [up, down] = [
      open('ana', null, null, { claims: { iss: 'up' } }),
      open('ana', null, null, { claims: { iss: 'down' } }),
    ];
    await minuteLater();
    expect([up.stream.reason, down.stream.reason]).toEqual([undefined, 'tenant_service_unavailable']);
  });

  it('a revocation of the name ends the streams of all of them', () => {
    const both = [
      open('ana', null, 'a', { claims: { iss: 'one' } }),
      open('ana', null, 'a', { claims: { iss: 'two' } }),
    ];
    revokedTokens.add('a');
    announce([revocation('ana')]);
    expect(both.map(({ stream }) => stream.reason)).toEqual(['revoked', 'revoked']);
  });
});

it('a tenant that was lost is dropped, one that was gained is joined, and the client is told', async () => {
  const { stream, changes } = open();
  mine = [membership(north), membership(third)];
  await minuteLater();
  expect(stream.tenants).toEqual([north, third]);
  expect(changes).toEqual([{ tenants: [north, third], joined: [third] }]);
  await minuteLater();
  expect(changes).toHaveLength(1);
});

it('a stream that was narrowed is not widened, and ends when nothing is left of it', async () => {
  const { stream, changes } = open('ana', [north]);
  stream.tenants = [north];
  mine = [membership(north), membership(third)];
  await minuteLater();
  expect(changes).toEqual([]);
  mine = [membership(third)];
  await minuteLater();
  expect(stream.reason).toBe('revoked');
});

it('when the tenant service is away for so long that no cached response is valid, the stream is closed to reconnect', async () => {
  const { stream } = open();
  mine = new Unavailable('directory', 'away');
  await minuteLater();
  expect(stream.reason).toBe('tenant_service_unavailable');
});

it("a revocation ends the user's streams at once, and no other user's", () => {
  const [revoked, other, another] = [
    open('ana', null, 'a').stream,
    open('ana', null, 'b').stream,
    open('ben', null, 'a').stream,
  ];
  revokedTokens.add('a');
  announce([revocation('ana')]);
  expect([revoked.reason, other.reason, another.reason]).toEqual(['revoked', undefined, undefined]);
});

it('the end of one token keeps what stands in for the tenants of its user during an outage, and no other end does', async () => {
  const { stream } = open();
  await minuteLater();
  mine = new Unavailable('directory', 'away');
  announce([revocation('ana', 'a')]);
  await minuteLater();
  expect(stream.reason).toBeUndefined();
  announce([revocation('ana', 'a'), revocation('ana')]);
  await minuteLater();
  expect(stream.reason).toBe('tenant_service_unavailable');
});

it('a revoked tenant leaves the stream, and the client is told what is left', () => {
  const { stream, changes } = open();
  revokedTenants.add(harbour);
  announce([revocation('ana')]);
  expect(stream.tenants).toEqual([north]);
  expect(changes).toEqual([{ tenants: [north], joined: [] }]);
  revokedTenants.add(north);
  announce([revocation('ana')]);
  expect(stream.reason).toBe('revoked');
});

it('what was revoked while a stream was being opened ends it, and is not joined again by a directory that lags', async () => {
  revokedTokens.add('a');
  expect(open('ana', null, 'a').stream.reason).toBe('revoked');
  revokedTenants.add(harbour);
  const { stream } = open('ben');
  expect(stream.tenants).toEqual([north]);
  await minuteLater();
  expect(stream.tenants).toEqual([north]);
});

it('names the users with the most streams, without streams of hidden tenants alone', () => {
  const opened = [
    ['ana', [north]],
    ['ben', [north, harbour]],
    ['ben', [harbour]],
    ['cleo', [harbour]],
  ] as const;
  const streams = opened.map(([user, tenants]) => open(user, null, null, { tenants: [...tenants] }).stream);
  const counted = (hidden: TenantId[], most = 10) =>
    lifetimes.busiestUsers(new Set(hidden), most).map(({ user_id, streams }) => `${user_id} ${streams}`);
  expect(counted([])).toEqual(['ben 2', 'ana 1', 'cleo 1']);
  expect(counted([], 2)).toEqual(['ben 2', 'ana 1']);
  expect(counted([harbour])).toEqual(['ana 1', 'ben 1']);
  expect(counted([north, harbour])).toEqual([]);
  streams[1]!.close('revoked');
  expect(counted([])).toEqual(['ana 1', 'ben 1', 'cleo 1']);
});

it('a stream that ended is not watched any more', async () => {
  const { stream } = open();
  stream.close('slow');
  await minuteLater();
  expect(asked).toEqual([]);
});

it('streams are opened anew at 80 to 100 % of their time', () => {
  for (let i = 0; i < 100; i += 1) {
    expect(rotationMs(true) / 60_000).toBeGreaterThanOrEqual(12);
    expect(rotationMs(true) / 60_000).toBeLessThanOrEqual(15);
    expect(rotationMs(false) / 60_000).toBeGreaterThanOrEqual(48);
  }
});

describe('the stream of a session', () => {
  const START = Date.now();
  const HOUR_MS = 3_600_000;
  const session = { session_id: 's', renew_at: START + 40_000, ends_at: START + HOUR_MS };
  const ofSession = () => open('ana', null, null, { session, expires_at: START + 60_000 });
  const renewed = {
    ...{ user_id: 'ana', jti: null, issued_at: 0, expires_at: START + 120_000 },
    scopes: new Set(['alerts:read']),
  } as unknown as VerifiedToken;

  it('goes on with the new token, which is asked for when it is due and not before', async () => {
    const ids: string[] = [];
    currentOf = (id) => {
      ids.push(id);
      return Promise.resolve({ ...renewed, session: { ...session, renew_at: START + 100_000 } });
    };
    const { stream } = ofSession();
    await lifetimes.renewDue(START + 39_999);
    expect(ids).toEqual([]);
    await lifetimes.renewDue(START + 40_000);
    expect([ids, stream.endsAt, stream.reason]).toEqual([['s'], START + 120_000, undefined]);
    await lifetimes.renewDue(START + 40_001);
    expect(ids).toEqual(['s']);
  });

  it('ends for its client to sign in again when the session has ended', async () => {
    currentOf = () => Promise.reject(new Refused('session_ended', ''));
    const { stream } = ofSession();
    await lifetimes.renewDue(START + 40_000);
    expect(stream.reason).toBe('token_expired');
  });

  it('is closed for its client to come back when the provider is away until the token ends', async () => {
    currentOf = () => Promise.reject(new Unavailable('identity_provider', ''));
    const { stream } = ofSession();
    await lifetimes.renewDue(START + 40_000);
    expect(stream.reason).toBeUndefined();
    const late = open('ana', null, null, { session: { ...session, renew_at: START - 40_000 }, expires_at: START + 1 });
    await lifetimes.renewDue(START);
    expect(late.stream.reason).toBe('identity_provider_unavailable');
  });

  it('is closed for its client to come back when the renewal hangs until the token ends', async () => {
    currentOf = () => new Promise(() => undefined);
    const [inTime, late] = [ofSession(), open('ana', null, null, { session, expires_at: START + 1 })];
    // both are due; the first one is still waited for
    void lifetimes.renewDue(START + 40_000);
    await new Promise<void>((resolve) => late.stream.whenEnded(resolve));
    expect([late.stream.reason, inTime.stream.reason]).toEqual(['identity_provider_unavailable', undefined]);
  });

  it.each([
    ['may not read', []],
    ['may only publish', ['events:publish']],
  ] as const)('ends when its new token %s', async (_, scopes) => {
    currentOf = () => Promise.resolve({ ...renewed, scopes: new Set(scopes), session });
    const { stream } = ofSession();
    await lifetimes.renewDue(START + 40_000);
    expect(stream.reason).toBe('revoked');
  });

  it('is left to the end of its token when the token cannot be renewed at all', async () => {
    currentOf = () =>
      Promise.resolve({ ...renewed, expires_at: START + 1, session: { ...session, renew_at: session.ends_at } });
    const { stream } = ofSession();
    await lifetimes.renewDue(START + 60_000);
    expect([stream.endsAt, stream.reason]).toEqual([START + 1, undefined]);
  });
});
