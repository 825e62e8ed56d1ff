import { Unavailable, type CloseReason, type Membership, type TenantId } from '@tocsin/contracts';
import type { Revocation } from '@tocsin/contracts/ports';
import { aTenant } from '@tocsin/contracts/testing';
import { createLogger } from '@tocsin/observability';
import type { VerifiedToken } from '@tocsin/auth';
import type { EventStream } from './event-stream';
import { Lifetimes, rotationMs, type Held } from './lifetime';

const [north, harbour, third] = [aTenant('north'), aTenant('harbour'), aTenant('third')];
const membership = (tenant_id: TenantId): Membership => ({ tenant_id, name: tenant_id, role: 'owner' });

/** A stream that says what was done to it. */
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
  drop(tenant: TenantId): void {
    this.tenants = this.tenants.filter((one) => one !== tenant);
  }
  close(reason: CloseReason): void {
    this.reason ??= reason;
    for (const listener of this.listeners) listener();
  }
}

let now: number;
let mine: readonly Membership[] | Unavailable;
let asked: { user_id: string; maxAgeMs: number | undefined }[];
let forgotten: string[];
let revokedTokens: Set<string | null>;
let revokedTenants: Set<TenantId>;
let announce: (revocations: readonly Revocation[]) => void;
let lifetimes: Lifetimes;

beforeEach(() => {
  now = 0;
  mine = [membership(north), membership(harbour)];
  asked = [];
  forgotten = [];
  revokedTokens = new Set();
  revokedTenants = new Set();
  lifetimes = new Lifetimes(
    {
      tenantsOf: ({ user_id }, options) => {
        asked.push({ user_id, maxAgeMs: options?.maxAgeMs });
        return mine instanceof Unavailable ? Promise.reject(mine) : Promise.resolve(mine);
      },
      forget: (user) => void forgotten.push(user),
    },
    {
      onNew: (listener) => {
        announce = listener;
        return () => undefined;
      },
      isRevoked: ({ jti }) => revokedTokens.has(jti),
      tenantsRevoked: () => revokedTenants,
    },
    32,
    createLogger({ app: 'test', level: 'silent' }),
    () => now,
  );
});
afterEach(() => lifetimes.close());

function open(user = 'ana', wanted: readonly string[] | null = null, jti: string | null = null) {
  const stream = new Stream();
  const changes: { tenants: string[]; joined: readonly string[] }[] = [];
  const held: Held = {
    stream: stream as unknown as EventStream,
    right: { user_id: user, expires_at: 1, jti, issued_at: 0, scopes: new Set(), claims: {}, token: '' } as VerifiedToken,
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
const revocation = (user_id: string) => ({ user_id }) as Revocation;

it('a user is looked up again within a minute, once however many streams, with an answer of at most 10 s', async () => {
  open();
  open();
  open('ben');
  await lifetimes.recheckDue();
  expect(asked).toEqual([]);
  await minuteLater();
  expect(asked).toEqual([{ user_id: 'ana', maxAgeMs: 10_000 }, { user_id: 'ben', maxAgeMs: 10_000 }]);
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

it('when the tenant service is away for so long that nothing stands in, the stream is sent away to come back', async () => {
  const { stream } = open();
  mine = new Unavailable('tenant_service', 'away');
  await minuteLater();
  expect(stream.reason).toBe('tenant_service_unavailable');
});

it("a revocation ends the user's streams at once, and nobody else's", () => {
  const [revoked, other, another] = [open('ana', null, 'a').stream, open('ana', null, 'b').stream, open('ben', null, 'a').stream];
  revokedTokens.add('a');
  announce([revocation('ana')]);
  expect([revoked.reason, other.reason, another.reason]).toEqual(['revoked', undefined, undefined]);
  expect(forgotten).toEqual(['ana']);
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
