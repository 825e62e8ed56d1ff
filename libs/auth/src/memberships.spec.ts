import { Unavailable, type Membership, type TenantId } from '@tocsin/contracts';
import { TenantDirectory, type User } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import { Metrics } from '@tocsin/observability';
import { Memberships } from './memberships';
import { ClaimTenantDirectory } from './tenant-directory.claim';

const membership = (id: string): Membership => ({ tenant_id: id as TenantId, name: id, role: 'member' });
const user = (user_id = 'ada', iss = 'i'): User => ({ user_id, token: 't', claims: { iss } });

/** Answers as the test says, and counts the lookups. */
class ScriptedDirectory extends TenantDirectory {
  asked = 0;
  answer: () => Promise<readonly Membership[]> = async () => [membership('acme')];
  tenantsOf = () => (this.asked++, this.answer());
}
const away = () => Promise.reject(new Unavailable('directory', 'away'));

let directory: ScriptedDirectory;
let nowMs: number;
let metrics: Metrics;
let memberships: Memberships;
const ids = async (of: Promise<readonly Membership[]>) => (await of).map(({ tenant_id }) => tenant_id);

beforeEach(() => {
  directory = new ScriptedDirectory();
  nowMs = 1_000;
  metrics = new Metrics({ version: '', commit: '', tenantLimit: 0 });
  memberships = new Memberships(directory, metrics, { maxUsers: 3 }, () => nowMs);
});

describe('memberships', () => {
  test('are asked for once a minute', async () => {
    await memberships.tenantsOf(user());
    nowMs += 59_999;
    expect(await ids(memberships.tenantsOf(user()))).toEqual(['acme']);
    expect(directory.asked).toBe(1);
    nowMs += 1;
    directory.answer = async () => [membership('globex')];
    expect(await ids(memberships.tenantsOf(user()))).toEqual(['globex']);
    expect(directory.asked).toBe(2);
  });

  test('of a thousand streams of one user are one question', async () => {
    let answer!: (value: Membership[]) => void;
    directory.answer = () => new Promise((resolve) => (answer = resolve));
    const asked = Array.from({ length: 1_000 }, () => memberships.tenantsOf(user()));
    answer([membership('acme')]);
    expect((await Promise.all(asked)).every(([one]) => one?.tenant_id === 'acme')).toBe(true);
    expect(directory.asked).toBe(1);
  });

  test('of users of two issuers with one name are two answers', async () => {
    await memberships.tenantsOf(user('ada', 'one'));
    directory.answer = async () => [membership('globex')];
    expect(await ids(memberships.tenantsOf(user('ada', 'two')))).toEqual(['globex']);
    expect(await ids(memberships.tenantsOf(user('ada', 'one')))).toEqual(['acme']);
  });

  test('that the service gives to a token serve that token alone, also as a stand-in', async () => {
    memberships = new Memberships(directory, metrics, { perToken: true }, () => nowMs);
    const by = (token: string) => memberships.tenantsOf({ ...user(), token });
    await by('one');
    await by('one');
    directory.answer = async () => [membership('globex')];
    expect(await ids(by('two'))).toEqual(['globex']);
    expect([await ids(by('one')), directory.asked]).toEqual([['acme'], 2]);
    directory.answer = away;
    nowMs += 60_000;
    expect([await ids(by('one')), await ids(by('two'))]).toEqual([['acme'], ['globex']]);
    await expect(by('three')).rejects.toBeInstanceOf(Unavailable);
    memberships.forget('ada');
    await expect(by('one')).rejects.toBeInstanceOf(Unavailable);
  });

  test('stand in for ten minutes while the directory is away, which is asked every ten seconds', async () => {
    await memberships.tenantsOf(user());
    directory.answer = away;
    for (nowMs += 60_000; nowMs < 1_000 + 600_000; nowMs += 1_000)
      expect(await ids(memberships.tenantsOf(user()))).toEqual(['acme']);
    expect(directory.asked).toBe(1 + 54);
    await expect(memberships.tenantsOf(user())).rejects.toBeInstanceOf(Unavailable);
  });

  test('of an unknown user are unavailable while the directory is away, at once and without a lookup each', async () => {
    directory.answer = away;
    for (let i = 0; i < 5; i++) await expect(memberships.tenantsOf(user())).rejects.toBeInstanceOf(Unavailable);
    expect(directory.asked).toBe(1);
    nowMs += 10_000;
    directory.answer = async () => [membership('acme')];
    expect(await ids(memberships.tenantsOf(user()))).toEqual(['acme']);
  });

  test('that were denied never stand in', async () => {
    await memberships.tenantsOf(user());
    nowMs += 60_000;
    directory.answer = async () => [];
    expect(await ids(memberships.tenantsOf(user()))).toEqual([]);
    nowMs += 5_000;
    directory.answer = away;
    await expect(memberships.tenantsOf(user())).rejects.toBeInstanceOf(Unavailable);
  });

  test('that are none are asked for again after 5 s', async () => {
    directory.answer = async () => [];
    await memberships.tenantsOf(user());
    nowMs += 4_999;
    await memberships.tenantsOf(user());
    expect(directory.asked).toBe(1);
    nowMs += 1;
    directory.answer = async () => [membership('acme')];
    expect(await ids(memberships.tenantsOf(user()))).toEqual(['acme']);
  });

  test('that were reduced stand in reduced', async () => {
    directory.answer = async () => [membership('acme'), membership('globex')];
    await memberships.tenantsOf(user());
    nowMs += 60_000;
    directory.answer = async () => [membership('globex')];
    await memberships.tenantsOf(user());
    nowMs += 60_000;
    directory.answer = away;
    expect(await ids(memberships.tenantsOf(user()))).toEqual(['globex']);
  });

  test('are cached for a bounded number of users, the most recent ones', async () => {
    for (const name of ['a', 'b', 'c', 'a', 'd']) await memberships.tenantsOf(user(name));
    expect(directory.asked).toBe(4);
    await memberships.tenantsOf(user('a'));
    expect(directory.asked).toBe(4);
    await memberships.tenantsOf(user('b'));
    expect(directory.asked).toBe(5);
  });

  test('a fault of our own is not taken for an absence', async () => {
    directory.answer = () => Promise.reject(new TypeError('a bug'));
    await expect(memberships.tenantsOf(user())).rejects.toBeInstanceOf(TypeError);
    directory.answer = async () => [membership('acme')];
    expect(await ids(memberships.tenantsOf(user()))).toEqual(['acme']);
  });

  test('are looked up again for a caller that would go on with the answer beyond a minute', async () => {
    await memberships.tenantsOf(user());
    nowMs += 9_999;
    await memberships.tenantsOf(user(), { heldForMs: 50_000 });
    expect(directory.asked).toBe(1);
    nowMs += 1;
    directory.answer = async () => [membership('globex')];
    expect(await ids(memberships.tenantsOf(user(), { heldForMs: 50_000 }))).toEqual(['globex']);
    nowMs += 10_000;
    await memberships.tenantsOf(user());
    expect(directory.asked).toBe(2);
  });

  test('do not stand in for a caller that would go on with the answer beyond ten minutes', async () => {
    await memberships.tenantsOf(user());
    directory.answer = away;
    nowMs += 549_999;
    expect(await ids(memberships.tenantsOf(user(), { heldForMs: 50_000 }))).toEqual(['acme']);
    nowMs += 1;
    await expect(memberships.tenantsOf(user(), { heldForMs: 50_000 })).rejects.toBeInstanceOf(Unavailable);
    expect(await ids(memberships.tenantsOf(user()))).toEqual(['acme']);
  });

  test('stand in for each of two that wait for one look-up as long as it goes on with them', async () => {
    await memberships.tenantsOf(user());
    nowMs += 560_000;
    directory.answer = away;
    const [stream, request] = await Promise.allSettled([
      memberships.tenantsOf(user(), { heldForMs: 50_000 }),
      memberships.tenantsOf(user()),
    ]);
    expect([stream.status, request.status, directory.asked]).toEqual(['rejected', 'fulfilled', 2]);
  });

  test('of a user whose memberships changed are looked up again, for every issuer, and no earlier answer stands in', async () => {
    for (const issuer of ['one', 'two']) await memberships.tenantsOf(user('ada', issuer));
    await memberships.tenantsOf(user('bob'));
    memberships.forget('ada');
    memberships.forget('nobody');
    directory.answer = away;
    for (const issuer of ['one', 'two'])
      await expect(memberships.tenantsOf(user('ada', issuer))).rejects.toBeInstanceOf(Unavailable);
    expect(await ids(memberships.tenantsOf(user('bob')))).toEqual(['acme']);
  });

  test('that were asked for before the change and answered after it are asked for again', async () => {
    const answers: ((value: Membership[]) => void)[] = [];
    directory.answer = () => new Promise((resolve) => answers.push(resolve));
    const asked = ids(memberships.tenantsOf(user()));
    memberships.forget('ada');
    answers[0]!([membership('acme')]);
    await eventually(() => expect(answers).toHaveLength(2));
    answers[1]!([]);
    expect(await asked).toEqual([]);
  });

  test('that a token claims are of that token alone', async () => {
    const claimed = new Memberships(new ClaimTenantDirectory('tenants'), metrics, { cached: false });
    const withTenants = (tenants: unknown): User => ({ ...user(), claims: { tenants } });
    expect(await ids(claimed.tenantsOf(withTenants(['acme', 'globex'])))).toEqual(['acme', 'globex']);
    expect(await ids(claimed.tenantsOf(withTenants(['globex'])))).toEqual(['globex']);
    expect(
      await ids(claimed.tenantsOf(withTenants([{ id: 'acme', name: 'Acme', role: 'owner' }, 'no tenant!']))),
    ).toEqual(['acme']);
    for (const nothing of [undefined, 'acme', 7, {}])
      expect(await ids(claimed.tenantsOf(withTenants(nothing)))).toEqual([]);
  });

  test('are counted by where they came from, and tell the health check', async () => {
    await memberships.check();
    await memberships.tenantsOf(user());
    await memberships.tenantsOf(user());
    nowMs += 60_000;
    directory.answer = away;
    await memberships.tenantsOf(user());
    await expect(memberships.check()).rejects.toBeInstanceOf(Unavailable);
    const { values } = await metrics.registry.getSingleMetric('tocsin_tenant_lookups_total')!.get();
    expect(Object.fromEntries(values.map(({ labels, value }) => [labels.result, value]))).toEqual({
      fetched: 1,
      fresh: 1,
      stale: 1,
      unavailable: 0,
    });
    nowMs += 60_000;
    await memberships.check();
  });
});
