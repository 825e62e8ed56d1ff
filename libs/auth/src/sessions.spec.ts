import { Refused, Unavailable } from '@tocsin/contracts';
import { eventually } from '@tocsin/contracts/testing';
import { revocationIdOf, type NewRevocation, type SessionStore, type StoredSession } from '@tocsin/contracts/ports';
import type { SessionTokens } from './oidc-provider';
import { Sessions } from './sessions';
import type { VerifiedToken } from './token-verifier';

const START = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const LIFE_MS = 300_000;

/** One store for several gateways, which counts its reads. */
class MemorySessions implements SessionStore {
  readonly rows = new Map<string, StoredSession & { leased: number; used: number }>();
  reads = 0;
  /** Whether writes fail, because the store is away. */
  writesFail = false;
  create(id: string, sealed: string, lastsMs: number) {
    this.rows.set(id, { sealed, version: 1, signed_in_at: now, ends_at: now + lastsMs, leased: 0, used: now });
    return Promise.resolve();
  }
  use(id: string, idleMs: number) {
    this.reads += 1;
    const row = this.rows.get(id);
    if (!row || row.ends_at <= now || row.used <= now - idleMs) return Promise.resolve(undefined);
    row.used = now;
    return Promise.resolve({ ...row });
  }
  claimRenewal(id: string, version: number, leaseMs: number) {
    const row = this.rows.get(id);
    if (!row || row.version !== version || row.leased > now) return Promise.resolve(false);
    row.leased = now + leaseMs;
    return Promise.resolve(true);
  }
  renew(id: string, version: number, sealed: string) {
    if (this.writesFail) return Promise.reject(new Unavailable('log', 'away'));
    const row = this.rows.get(id);
    if (row?.version !== version) return Promise.resolve(false);
    this.rows.set(id, { ...row, sealed, version: version + 1, leased: 0 });
    return Promise.resolve(true);
  }
  end(id: string) {
    this.rows.delete(id);
    return Promise.resolve();
  }
}

let now: number;
let store: MemorySessions;
let idleMs: number;
let renewals: string[];
let provider: (refreshToken: string) => Promise<SessionTokens>;
let withdrawn: Set<string>;
/** The tokens whose key cannot be fetched now. */
let keyless: Set<string>;
let revoked: NewRevocation[];

/** A token is written as `user:number`; it is issued when its number is drawn. */
let issued: Map<string, number>;
const issue = (user = 'ana'): SessionTokens => {
  const access_token = `${user}:${issued.size + 1}`;
  issued.set(access_token, now);
  return { access_token, refresh_token: `refresh ${issued.size}`, id_token: 'id' };
};
const verify = (token: string | undefined): Promise<VerifiedToken> => {
  if (keyless.has(token ?? '')) return Promise.reject(new Unavailable('issuer', 'away'));
  const at = issued.get(token ?? '');
  if (at === undefined || withdrawn.has(token!)) return Promise.reject(new Refused('invalid_token', 'not valid'));
  if (at + LIFE_MS <= now) return Promise.reject(new Refused('token_expired', 'expired'));
  return Promise.resolve({
    user_id: token!.split(':')[0]!,
    scopes: new Set(['alerts:read'] as const),
    expires_at: at + LIFE_MS,
    issued_at: at,
    jti: null,
    claims: {},
    token: token!,
  });
};
const SECRET = 'a secret of at least thirty-two bytes';
const gateway = (...secrets: string[]) =>
  new Sessions(
    store,
    {
      renew: ({ refresh_token }) => {
        renewals.push(refresh_token);
        return provider(refresh_token);
      },
      endSessionUrl: ({ id_token }) => Promise.resolve(`https://id.example.com/end?${id_token}`),
    },
    { verify },
    {
      // as the database does it, in one step
      revoke: (revocation) => {
        revoked.push(revocation);
        return store.end(revocation.jti!.slice('session:'.length));
      },
    },
    { secrets: secrets.length > 0 ? secrets : [SECRET], idleMs, maxMs: 10 * HOUR_MS },
    () => now,
  );
/** A provider that takes each refresh token once, as most do. */
const takesOnce = (): typeof provider => {
  const taken = new Set<string>();
  return (refreshToken) => {
    if (taken.has(refreshToken)) return Promise.reject(new Refused('sign_in_failed', 'invalid_grant'));
    taken.add(refreshToken);
    return Promise.resolve(issue());
  };
};
const away = () => Promise.reject(new Unavailable('identity_provider', 'away'));
const ended = { code: 'session_ended' };

let one: Sessions;
let secret: string;
beforeEach(async () => {
  [now, idleMs] = [START, HOUR_MS];
  [store, issued, withdrawn, keyless] = [new MemorySessions(), new Map(), new Set(), new Set()];
  [renewals, revoked] = [[], []];
  provider = () => Promise.resolve(issue());
  one = gateway();
  secret = await one.create(issue());
});

test('a session is the right of its access token, issued when its user signed in', async () => {
  now += 60_000;
  expect(await one.rightOf(secret)).toMatchObject({
    user_id: 'ana',
    token: 'ana:1',
    issued_at: START,
    expires_at: START + LIFE_MS,
    session: { ends_at: START + 10 * HOUR_MS },
  });
});

test('a session that may be idle for a minute lasts while it is used, and ends when it is not', async () => {
  idleMs = 60_000;
  one = gateway();
  for (let used = 0; used < 12; used += 1) {
    now += 15_000;
    expect((await one.rightOf(secret)).user_id).toBe('ana');
  }
  now += 80_000;
  await expect(one.rightOf(secret)).rejects.toMatchObject(ended);
});

test('a session lasts for its idle time after its last use, though the store was not told of it', async () => {
  idleMs = 60_000;
  one = gateway();
  await one.rightOf(secret);
  for (const later of [19_000, 59_000, 19_000, 59_000]) {
    now += later;
    expect((await one.rightOf(secret)).user_id).toBe('ana');
  }
});

test('a session under an open stream lasts, however often its user is idle between two looks', async () => {
  idleMs = 60_000;
  one = gateway();
  const { session } = await one.rightOf(secret);
  for (const at of [35, 50, 100, 150]) {
    now = START + at * 1_000;
    expect((await one.current(session.session_id)).user_id).toBe('ana');
  }
});

test('what is stored neither opens the session nor shows its tokens', () => {
  const [id, row] = [...store.rows][0]!;
  expect(id).not.toBe(secret);
  expect(`${id} ${row.sealed} ${Buffer.from(row.sealed, 'base64url').toString('latin1')}`).not.toMatch(
    /ana:1|refresh 1/,
  );
});

test.each([
  ['is none', () => ''],
  ['is invented', () => 'A'.repeat(43)],
  ['was changed', (good: string) => `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`],
  ['is the name in the store', () => [...store.rows.keys()][0]!],
  ['is long', (good: string) => good + good],
])('a cookie that %s opens nothing', async (_, wrong) => {
  await expect(one.rightOf(wrong(secret))).rejects.toMatchObject(ended);
});

test('sessions outlive a rotation of the secret, in each step of it and at any gateway', async () => {
  const next = 'the next secret of thirty-two bytes';
  const [told, changed] = [gateway(SECRET, next), gateway(next, SECRET)];
  const later = await changed.create(issue());
  for (const [at, known] of [
    [changed, secret],
    [told, later],
    [changed, later],
  ] as const)
    expect(await at.rightOf(known)).toMatchObject({ user_id: 'ana' });
  await expect(gateway(next).rightOf(secret)).rejects.toMatchObject(ended);
});

test('another secret of the gateways ends all sessions', async () => {
  await expect(gateway('another secret of thirty-two bytes').rightOf(secret)).rejects.toMatchObject(ended);
});

test('a hundred requests at once read the store once, and the next minute of them not at all', async () => {
  await Promise.all(Array.from({ length: 100 }, () => one.rightOf(secret)));
  expect(store.reads).toBe(1);
  now += 59_000;
  await one.rightOf(secret);
  expect(store.reads).toBe(1);
  now += 2_000;
  await one.rightOf(secret);
  expect(store.reads).toBe(2);
});

test('the token is renewed before it expires, once for all who ask on two gateways', async () => {
  const two = gateway();
  now += LIFE_MS - 60_001;
  await Promise.all([one.rightOf(secret), two.rightOf(secret)]);
  expect(renewals).toEqual([]);
  now += 2;
  await Promise.all([one, one, two, two].map((each) => each.rightOf(secret)));
  expect(renewals).toEqual(['refresh 1']);
  now += 59_000;
  for (const each of [one, two]) expect(await each.rightOf(secret)).toMatchObject({ token: 'ana:2', issued_at: START });
  expect(renewals).toHaveLength(1);
});

test('a gateway whose token has expired waits for the one that renews', async () => {
  now += LIFE_MS;
  let answer!: (tokens: SessionTokens) => void;
  provider = () => new Promise((resolve) => (answer = resolve));
  const first = one.rightOf(secret);
  await new Promise(setImmediate);
  const second = gateway().rightOf(secret);
  answer(issue());
  expect((await first).token).toBe('ana:2');
  expect((await second).token).toBe('ana:2');
  expect(renewals).toHaveLength(1);
});

test('a provider that is away ends no session: the token is used until it expires, then it is said to be away', async () => {
  provider = away;
  now += LIFE_MS - 30_000;
  expect((await one.rightOf(secret)).token).toBe('ana:1');
  await one.rightOf(secret);
  expect(renewals).toHaveLength(1);
  now += 30_000;
  await expect(one.rightOf(secret)).rejects.toBeInstanceOf(Unavailable);
  await expect(one.rightOf(secret)).rejects.toBeInstanceOf(Unavailable);
  expect(renewals.length).toBeLessThanOrEqual(2);
  now += 60_000;
  provider = () => Promise.resolve(issue());
  expect((await one.rightOf(secret)).token).toBe('ana:2');
});

test('a provider that refuses to renew ends the session', async () => {
  provider = () => Promise.reject(new Refused('sign_in_failed', 'no'));
  now += LIFE_MS - 30_000;
  await expect(one.rightOf(secret)).rejects.toMatchObject(ended);
  expect(store.rows.size).toBe(0);
});

describe('tokens that the provider has renewed', () => {
  const NEARLY_OVER_MS = LIFE_MS - 30_000;
  beforeEach(() => {
    provider = takesOnce();
    now += NEARLY_OVER_MS;
  });

  test('are kept while the store is away, and stored when they are asked for again', async () => {
    store.writesFail = true;
    expect((await one.rightOf(secret)).token).toBe('ana:1');
    now += 30_000;
    await expect(one.rightOf(secret)).rejects.toBeInstanceOf(Unavailable);
    store.writesFail = false;
    expect((await one.rightOf(secret)).token).toBe('ana:2');
    expect((await gateway().rightOf(secret)).token).toBe('ana:2');
    expect(renewals).toEqual(['refresh 1']);
  });

  test('are stored as soon as the store is back, for a request that another gateway gets', async () => {
    store.writesFail = true;
    await one.rightOf(secret);
    store.writesFail = false;
    await eventually(() => expect([...store.rows.values()][0]!.version).toBe(2));
    now += 30_000;
    expect((await gateway().rightOf(secret)).token).toBe('ana:2');
    expect(renewals).toEqual(['refresh 1']);
  });

  test('and wait in another gateway for a store that is back, end no session whose lease is over', async () => {
    store.writesFail = true;
    await one.rightOf(secret);
    now += 20_000;
    const takes = provider;
    provider = (refreshToken) => {
      store.writesFail = false;
      return takes(refreshToken);
    };
    expect((await gateway().rightOf(secret)).token).toBe('ana:2');
    expect(renewals).toEqual(['refresh 1', 'refresh 1']);
    expect((await one.rightOf(secret)).token).toBe('ana:2');
  });

  test("are stored while the issuer's keys are away, and the token before them is used until they are back", async () => {
    const two = gateway();
    now -= 40_000;
    await one.rightOf(secret);
    now += 40_000;
    keyless.add('ana:2');
    await two.rightOf(secret).catch(() => undefined);
    expect((await one.rightOf(secret)).token).toBe('ana:1');
    now += 2_000;
    for (const each of [one, two]) expect((await each.rightOf(secret)).token).toBe('ana:1');
    now += 28_000;
    for (const each of [one, two]) await expect(each.rightOf(secret)).rejects.toBeInstanceOf(Unavailable);
    keyless.clear();
    for (const each of [one, two]) expect((await each.rightOf(secret)).token).toBe('ana:2');
    expect(renewals).toEqual(['refresh 1']);
  });

  test('and that are not accepted yet, for a key that is too new, end no session', async () => {
    withdrawn.add('ana:2');
    expect((await one.rightOf(secret)).token).toBe('ana:1');
    now += 2_000;
    withdrawn.clear();
    expect((await one.rightOf(secret)).token).toBe('ana:2');
    expect(renewals).toEqual(['refresh 1']);
  });

  test('and are not accepted when the token before them is over, lead to a new sign-in, and delete no session', async () => {
    now += 30_000;
    withdrawn.add('ana:2');
    await expect(one.rightOf(secret)).rejects.toMatchObject(ended);
    withdrawn.clear();
    expect((await one.rightOf(secret)).token).toBe('ana:2');
  });

  test('give way to those that another gateway has stored meanwhile', async () => {
    const [id] = [...store.rows.keys()] as [string];
    const renewed = provider;
    provider = async (refreshToken) => {
      const tokens = await renewed(refreshToken);
      now += 20_000;
      provider = () => Promise.resolve(issue());
      expect((await gateway().rightOf(secret)).token).toBe('ana:3');
      return tokens;
    };
    expect((await one.rightOf(secret)).token).toBe('ana:3');
    expect(store.rows.get(id)).toMatchObject({ version: 2 });
  });

  test('by another gateway, so that the provider refuses the refresh token here, end no session', async () => {
    const [id] = [...store.rows.keys()] as [string];
    const takes = provider;
    provider = async (refreshToken) => {
      now += 20_000;
      provider = takes;
      expect((await gateway().rightOf(secret)).token).toBe('ana:2');
      return takes(refreshToken);
    };
    expect((await one.rightOf(secret)).token).toBe('ana:2');
    expect(store.rows.get(id)).toMatchObject({ version: 2 });
    expect(renewals).toEqual(['refresh 1', 'refresh 1']);
  });

  test('are not stored after a sign-out', async () => {
    store.writesFail = true;
    await one.rightOf(secret);
    await one.end(secret);
    store.writesFail = false;
    await expect(one.rightOf(secret)).rejects.toMatchObject(ended);
    expect(store.rows.size).toBe(0);
  });
});

test('a token of another user does not continue a session', async () => {
  provider = () => Promise.resolve(issue('ben'));
  now += LIFE_MS - 30_000;
  await expect(one.rightOf(secret)).rejects.toMatchObject(ended);
});

test('a token whose key the provider has withdrawn is renewed at once', async () => {
  await one.rightOf(secret);
  withdrawn.add('ana:1');
  expect((await one.rightOf(secret)).token).toBe('ana:2');
});

test('without a refresh token the session ends with its access token', async () => {
  const { access_token } = issue();
  const short = await one.create({ access_token });
  now += LIFE_MS - 1;
  expect((await one.rightOf(short)).token).toBe(access_token);
  now += 1;
  await expect(one.rightOf(short)).rejects.toMatchObject(ended);
});

test('an access token that the gateway does not accept makes no session', async () => {
  await expect(one.create({ access_token: 'opaque' })).rejects.toMatchObject({ code: 'sign_in_failed' });
  expect(store.rows.size).toBe(1);
});

test('a session that is ended is refused here at once, is revoked for the others, and names the end at the provider', async () => {
  const [id] = [...store.rows.keys()] as [string];
  await one.rightOf(secret);
  expect(await one.end(secret)).toBe('https://id.example.com/end?id');
  expect(revoked).toEqual([{ user_id: 'ana', jti: revocationIdOf(id) }]);
  await expect(one.rightOf(secret)).rejects.toMatchObject(ended);
  expect(await one.end(secret)).toBeNull();
});
