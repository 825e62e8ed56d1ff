import { ClaimTenantDirectory, Memberships, Revocations, type VerifiedToken } from '@tocsin/auth';
import type { TenantId } from '@tocsin/contracts';
import { aTenant, MemoryAccessChanges } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { mayAct, tenantsAskedFor, VisibleTenants } from './visible-tenants';

const [a, b] = [aTenant('tenant-a'), aTenant('tenant-b')];
const ISSUED_AT = Date.parse('2026-01-02T03:04:05Z');

let changes: MemoryAccessChanges;
let revocations: Revocations;
const doorOn = (claim: string | undefined): VisibleTenants => {
  const directory = new ClaimTenantDirectory('tenants');
  return new VisibleTenants(
    new Memberships(directory, new Metrics({ version: '', commit: '', tenantLimit: 0 }), { cached: false }),
    revocations,
    claim,
  );
};
const rightOf = (claims: Record<string, unknown>, user_id = 'ana'): VerifiedToken => ({
  user_id,
  claims,
  token: 't',
  scopes: new Set(),
  expires_at: ISSUED_AT + 3_600_000,
  issued_at: ISSUED_AT,
  jti: null,
});
const revoke = async (tenant_id: TenantId, user_id = 'ana') => {
  await changes.revoke({ user_id, tenant_id });
  await revocations.check();
};

beforeEach(() => {
  changes = new MemoryAccessChanges(() => ISSUED_AT + 60_000);
  revocations = new Revocations(changes, createLogger({ app: 'test', level: 'silent' }), () => ISSUED_AT + 60_000);
});

describe('a claim that names tenants', () => {
  /**
   * The name of the case, the token's claims, the tenants that it may read, and those of [tenant-a, tenant-b] that it
   * may publish for.
   */
  const any = ['tenant-a', 'tenant-b'];
  test.each<[string, Record<string, unknown>, string[], string[]]>([
    ['is absent', {}, [], any],
    ['is a list', { tenants: ['tenant-a'] }, ['tenant-a'], ['tenant-a']],
    ['is a list of objects', { tenants: [{ id: 'tenant-b', role: 'viewer' }] }, ['tenant-b'], ['tenant-b']],
    ['is an empty list', { tenants: [] }, [], []],
    ['is a string', { tenants: 'tenant-a' }, [], []],
    ['is a list in a string', { tenants: '["tenant-a"]' }, [], []],
    ['is an object', { tenants: { id: 'tenant-a' } }, [], []],
    ['is an object like a list', { tenants: { 0: 'tenant-a', length: 1 } }, [], []],
    ['is null', { tenants: null }, [], []],
    ['is undefined and there', { tenants: undefined }, [], []],
    ['is true', { tenants: true }, [], []],
    ['is 0', { tenants: 0 }, [], []],
    ['is empty text', { tenants: '' }, [], []],
    [
      'is a list of what is no tenant',
      { tenants: [null, true, ['tenant-a'], { name: 'tenant-a' }, 'tenant a', ''] },
      [],
      [],
    ],
    ['is a list with one that is', { tenants: [null, 'tenant-b', {}] }, ['tenant-b'], ['tenant-b']],
    ['has another case', { Tenants: ['tenant-a'] }, [], any],
  ])('%s: read and publish agree on it', async (_, claims, reads, publishes) => {
    const door = doorOn('tenants');
    expect((await door.now(rightOf(claims))).map(({ tenant_id }) => tenant_id)).toEqual(reads);
    expect([a, b].filter(door.publisher(rightOf(claims)))).toEqual(publishes);
  });

  test.each(['constructor', '__proto__', 'toString'])(
    'with the name %s is absent unless the token has it',
    async (claim) => {
      expect([a, b].filter(doorOn(claim).publisher(rightOf({})))).toEqual([a, b]);
      expect(
        [a, b].filter(
          doorOn(claim).publisher(rightOf(JSON.parse(`{"${claim}": ["tenant-b"]}`) as Record<string, unknown>)),
        ),
      ).toEqual([b]);
    },
  );

  test('is ignored when no claim is configured', () => {
    expect([a, b].filter(doorOn(undefined).publisher(rightOf({ tenants: [] })))).toEqual([a, b]);
  });
});

describe('what was revoked', () => {
  test('is missing from every result for the token that it was revoked from', async () => {
    const door = doorOn('tenants');
    const [right, others] = [rightOf({ tenants: [a, b] }), rightOf({ tenants: [a, b] }, 'ben')];
    await revoke(a);
    expect((await door.of(right)).map(({ tenant_id }) => tenant_id)).toEqual([b]);
    expect((await door.now(right)).map(({ tenant_id }) => tenant_id)).toEqual([b]);
    expect([...door.revokedFrom(right)]).toEqual([a]);
    expect([a, b].filter(door.publisher(right))).toEqual([b]);
    expect([a, b].filter(door.publisher(rightOf({})))).toEqual([b]);
    expect((await door.of(others)).map(({ tenant_id }) => tenant_id)).toEqual([a, b]);
    await revoke(b);
    expect(await door.now(right)).toEqual([]);
    await expect(door.of(right)).rejects.toMatchObject({ code: 'no_tenant' });
    // A token issued later gives access to them again.
    const fresh = { ...right, issued_at: ISSUED_AT + 120_000 };
    expect((await door.of(fresh)).map(({ tenant_id }) => tenant_id)).toEqual([a, b]);
  });

  test('while the directory was being asked is removed from its result', async () => {
    let answer!: () => void;
    const asked = new Promise<void>((resolve) => (answer = resolve));
    const tenantsOf = () =>
      asked.then(() => [
        { tenant_id: a, name: a, role: 'owner' },
        { tenant_id: b, name: b, role: 'owner' },
      ]);
    const door = new VisibleTenants({ tenantsOf, forget: () => undefined }, revocations, undefined);
    const seen = door.of(rightOf({}));
    await revoke(b);
    answer();
    expect((await seen).map(({ tenant_id }) => tenant_id)).toEqual([a]);
  });
});

describe('one tenant', () => {
  const right = () =>
    rightOf({
      tenants: [
        { id: a, role: 'viewer' },
        { id: b, role: 'owner' },
      ],
    });

  test('is found among those of the user, with its role', async () => {
    const door = doorOn('tenants');
    expect(await door.in(right(), 'tenant-a')).toMatchObject({ tenant_id: a, role: 'viewer' });
    expect(await door.actingIn(right(), 'tenant-b')).toMatchObject({ tenant_id: b, role: 'owner' });
  });

  test('of others is refused, and named where the body named it', async () => {
    const door = doorOn('tenants');
    await expect(door.in(right(), 'tenant-c')).rejects.toMatchObject({ code: 'tenant_forbidden', details: {} });
    await expect(door.actingIn(right(), 'tenant-c', '/tenant_id')).rejects.toMatchObject({
      code: 'tenant_forbidden',
      details: { errors: [{ pointer: '/tenant_id', code: 'tenant_forbidden' }] },
    });
  });

  test('where the role allows only reading is refused for an act alone', async () => {
    const door = doorOn('tenants');
    await expect(door.actingIn(right(), 'tenant-a')).rejects.toMatchObject({ code: 'role_forbidden' });
  });

  test('that was revoked is one of others', async () => {
    await revoke(b);
    await expect(doorOn('tenants').actingIn(right(), 'tenant-b')).rejects.toMatchObject({ code: 'tenant_forbidden' });
  });

  test('that the request does not name: a thing in one that is only read is refused, and acts reach the rest', async () => {
    const door = doorOn('tenants');
    const asked: (readonly TenantId[])[] = [];
    const isIn = (answer: boolean) => (viewed: readonly TenantId[]) => (asked.push(viewed), Promise.resolve(answer));
    await expect(door.actingOn(right(), isIn(true))).rejects.toMatchObject({ code: 'role_forbidden' });
    expect(await door.actingOn(right(), isIn(false))).toEqual([b]);
    expect(asked).toEqual([[a], [a]]);
    expect(await door.actingOn(rightOf({ tenants: [b] }), isIn(true))).toEqual([b]);
    expect(asked).toHaveLength(2);
  });
});

test('every role but viewer acts', () => {
  const roles = ['owner', 'member', 'viewer', 'Viewer', 'VIEWER', 'viewers', ''];
  expect(roles.filter((role) => mayAct({ tenant_id: a, name: a, role }))).toEqual(['owner', 'member', 'viewers', '']);
});

test('the named tenants are selected, and an unknown one is refused', () => {
  const mine = [{ tenant_id: a }, { tenant_id: b }];
  expect(tenantsAskedFor(mine, null)).toEqual(mine);
  expect(tenantsAskedFor(mine, ['tenant-b', 'tenant-b'])).toEqual([{ tenant_id: b }]);
  for (const wanted of [['x'], ['tenant-a', 'x'], ['TENANT-A'], ['']])
    expect(() => tenantsAskedFor(mine, wanted)).toThrow(expect.objectContaining({ code: 'tenant_forbidden' }) as Error);
});
