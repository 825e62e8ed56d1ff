import type { TenantId } from '@tocsin/contracts';
import {
  REVOCATION_IN_FORCE_MS,
  revocationIdOf,
  SESSION_REVOCATION_IN_FORCE_MS,
  type NewRevocation,
  type Revocation,
} from '@tocsin/contracts/ports';
import { MemoryAccessChanges } from '@tocsin/contracts/testing';
import type { Log } from '@tocsin/observability';
import { RevocationIndex, type RevocableToken } from './revocation-index';
import { Revocations } from './revocations';

const START = Date.parse('2026-01-02T03:04:05.500Z');
const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;
const [acme, globex] = ['acme', 'globex'] as [TenantId, TenantId];

let store: MemoryAccessChanges;
let lines: string[];
let revocations: Revocations;
let told: string[][];

const log = new Proxy({} as Log, {
  get: (_, level) => (fields: unknown, message?: string) =>
    void lines.push(`${String(level)}: ${message ?? String(fields)}`),
});
const token = (issuedAt: number | null, more: Partial<RevocableToken> = {}): RevocableToken => ({
  user_id: 'ada',
  jti: null,
  issued_at: issuedAt,
  ...more,
});
const describeOne = ({ user_id, tenant_id, jti }: Revocation) => [user_id, tenant_id ?? jti].filter(Boolean).join('/');
const make = (maxRevocations?: number) => {
  const made = new Revocations(store, log, Date.now, maxRevocations === undefined ? {} : { maxRevocations });
  made.onNew((fresh) => void told.push(fresh.map(describeOne)));
  return made;
};
/** A revocation that is stored now and read. */
const revoke = async (...all: NewRevocation[]) => {
  for (const one of all) store.add(one);
  await revocations.check();
};
const wait = (ms: number) => jest.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  jest.useFakeTimers({ now: START });
  store = new MemoryAccessChanges();
  lines = [];
  told = [];
  revocations = make();
});
afterEach(async () => {
  await revocations.stop();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

test('a session is revoked by its name, and no other session of the user is', async () => {
  const session = (session_id: string) => ({ session: { session_id, renew_at: 0, ends_at: 0 } });
  await revoke({ user_id: 'ada', jti: revocationIdOf('s') });
  expect(revocations.isRevoked(token(START, session('s')))).toBe(true);
  expect(revocations.isRevoked(token(START, session('t')))).toBe(false);
  expect(revocations.isRevoked(token(START, { ...session('s'), user_id: 'bob' }))).toBe(false);
  expect(revocations.isRevoked(token(START))).toBe(false);
});

describe('what a revocation takes back', () => {
  test('of a user is every token issued before it, including one without an issue time, and no other user’s', async () => {
    await revoke({ user_id: 'ada' });
    expect([START - 1, START - DAY, null].map((at) => revocations.isRevoked(token(at)))).toEqual([true, true, true]);
    expect([START, START + 500].map((at) => revocations.isRevoked(token(at)))).toEqual([false, false]);
    expect(revocations.isRevoked(token(null, { user_id: 'bob' }))).toBe(false);
    await wait(SECOND);
    await revoke({ user_id: 'ada' });
    expect([START, START + SECOND].map((at) => revocations.isRevoked(token(at)))).toEqual([true, false]);
  });

  test('up to a time is every token issued before that, and an earlier time takes nothing of a later one away', async () => {
    const time = new Date(START - 10 * SECOND).toISOString();
    await revoke({ user_id: 'ada', issued_before: time });
    expect([-11, -10, 0].map((s) => revocations.isRevoked(token(START + s * SECOND)))).toEqual([true, false, false]);
    expect(revocations.isRevoked(token(null))).toBe(true);
    await wait(SECOND);
    await revoke({ user_id: 'ada', issued_before: new Date(START - DAY).toISOString() });
    expect(revocations.isRevoked(token(START - 11 * SECOND))).toBe(true);
  });

  test('of a token is that one token', async () => {
    await revoke({ user_id: 'ada', jti: 'one' });
    expect(revocations.isRevoked(token(START + DAY, { jti: 'one' }))).toBe(true);
    for (const other of [{ jti: 'two' }, { jti: null }, { jti: 'one', user_id: 'bob' }])
      expect(revocations.isRevoked(token(START - DAY, other))).toBe(false);
  });

  test('of a tenant is the access by earlier tokens to that tenant, so that a fresh one works', async () => {
    await revoke({ user_id: 'ada', tenant_id: acme }, { user_id: 'bob', tenant_id: globex });
    expect(revocations.tenantsRevoked(token(START - 1))).toEqual(new Set([acme]));
    expect(revocations.tenantsRevoked(token(null))).toEqual(new Set([acme]));
    expect(revocations.tenantsRevoked(token(START))).toEqual(new Set());
    expect(revocations.tenantsRevoked(token(null, { user_id: 'eve' }))).toEqual(new Set());
    expect(revocations.isRevoked(token(START - 1))).toBe(false);
    await wait(SECOND);
    await revoke({ user_id: 'ada', tenant_id: globex });
    expect(revocations.tenantsRevoked(token(START))).toEqual(new Set([globex]));
  });

  test('is in force for 400 days', async () => {
    expect(REVOCATION_IN_FORCE_MS).toBe(400 * DAY);
    await revocations.start();
    await revoke({ user_id: 'ada' }, { user_id: 'ada', jti: 'one' }, { user_id: 'ada', tenant_id: acme });
    jest.setSystemTime(START + REVOCATION_IN_FORCE_MS - 1);
    await revocations.check();
    expect(revocations.isRevoked(token(START - 1))).toBe(true);
    jest.setSystemTime(START + REVOCATION_IN_FORCE_MS);
    await revocations.check();
    expect([token(START - 1), token(START, { jti: 'one' })].map((one) => revocations.isRevoked(one))).toEqual([
      false,
      false,
    ]);
    expect(revocations.tenantsRevoked(token(null))).toEqual(new Set());
    // the store's clock may be behind: a revocation that it still returns must not be new every two seconds
    expect(told).toHaveLength(1);
  });

  test('of a session is in force for a day, and of a token whose name only begins like one, as long as any', async () => {
    const [ended, jti] = ['s'.repeat(43), revocationIdOf('1')];
    await revoke({ user_id: 'ada', jti: revocationIdOf(ended) }, { user_id: 'ada', jti });
    const isRevoked = () => [
      revocations.isRevoked(token(START - 1, { session: { session_id: ended, renew_at: 0, ends_at: 0 } })),
      revocations.isRevoked(token(START - 1, { jti })),
    ];
    jest.setSystemTime(START + SESSION_REVOCATION_IN_FORCE_MS - 1);
    await revocations.check();
    expect(isRevoked()).toEqual([true, true]);
    jest.setSystemTime(START + SESSION_REVOCATION_IN_FORCE_MS);
    await revocations.check();
    expect([SESSION_REVOCATION_IN_FORCE_MS, ...isRevoked()]).toEqual([DAY, false, true]);
  });
});

describe('sign-outs', () => {
  const sessionOf = (name: string) => ({ session_id: name.padEnd(43, '-'), renew_at: 0, ends_at: 0 });
  let ids = 0;
  const signOut = (name: string, second: number): Revocation => ({
    revocation_id: (ids += 1),
    user_id: name,
    tenant_id: null,
    jti: revocationIdOf(sessionOf(name).session_id),
    issued_before: null,
    created_at: new Date(START + second * SECOND).toISOString(),
  });

  test('that are too many to keep refuse older sessions, and neither a token nor what else was revoked', () => {
    const index = new RevocationIndex(2);
    index.add({ ...signOut('eve', 0), jti: 'one' }, START);
    for (const [second, name] of ['ada', 'bob', 'carl'].entries()) index.add(signOut(name, second), START);
    expect(index.overflowed).toEqual({ tokens: false, sessions: true });
    const ofService = { user_id: 'oven', jti: 'of-oven' };
    for (const issued_at of [START - DAY, null]) expect(index.isRevoked({ ...ofService, issued_at })).toBe(false);
    expect(index.isRevoked({ user_id: 'eve', jti: 'one', issued_at: START })).toBe(true);

    const ofSession = (name: string, issued_at: number) =>
      index.isRevoked({ user_id: name, jti: null, issued_at, session: sessionOf(name) });
    // the three that ended; and of those that did not, the one from before the sign-out that was dropped
    expect(['ada', 'bob', 'carl', 'dora'].map((name) => ofSession(name, START - 1))).toEqual([true, true, true, true]);
    expect(['bob', 'carl', 'dora'].map((name) => ofSession(name, START))).toEqual([true, true, false]);
    expect(index.add(signOut('ada', 0), START)).toBe(false);

    index.expire(START + 2 * SECOND + DAY);
    expect([index.overflowed.sessions, ofSession('dora', START - 1)]).toEqual([false, false]);
  });

  test('that are too many are said once', async () => {
    revocations = new Revocations(store, log, Date.now, { maxSessions: 1 });
    const jtiOf = (name: string) => revocationIdOf(sessionOf(name).session_id);
    await revoke(...['ada', 'bob', 'carl'].map((name) => ({ user_id: name, jti: jtiOf(name) })));
    await revoke({ user_id: 'dora', jti: jtiOf('dora') });
    expect(lines).toEqual([expect.stringMatching(/^error: more sessions were signed out than are kept/)]);
  });
});

describe('revocations', () => {
  test('are read at the start and every two seconds', async () => {
    store.add({ user_id: 'ada' });
    await revocations.start();
    expect(revocations.isRevoked(token(null))).toBe(true);
    store.add({ user_id: 'bob' });
    await wait(1_999);
    expect(revocations.isRevoked(token(null, { user_id: 'bob' }))).toBe(false);
    await wait(1);
    expect(revocations.isRevoked(token(null, { user_id: 'bob' }))).toBe(true);
    expect(revocations.checkedAt).toBe(START + 2_000);
    await revocations.start();
    await revocations.stop();
    await revocations.stop();
    const { length } = store.asked;
    await wait(DAY);
    expect(store.asked).toHaveLength(length);
  });

  test('are told once each, when they are known already, until the listener unsubscribes', async () => {
    const known: boolean[] = [];
    const stop = revocations.onNew(() => known.push(revocations.isRevoked(token(null))));
    await revoke({ user_id: 'ada' }, { user_id: 'ada', jti: 'one' });
    await revocations.check();
    await revoke({ user_id: 'bob', tenant_id: acme });
    expect(told).toEqual([['ada', 'ada/one'], ['bob/acme']]);
    expect(known).toEqual([true, true]);
    stop();
    await revoke({ user_id: 'eve' });
    expect(known).toHaveLength(2);
  });

  test('that were committed late, under a lower id, are found', async () => {
    const lower = store.drawId();
    await revoke({ user_id: 'ada' });
    store.add({ user_id: 'late' }, lower);
    await revocations.check();
    expect(told).toEqual([['ada'], ['late']]);
    expect(revocations.isRevoked(token(null, { user_id: 'late' }))).toBe(true);
  });

  test('are read page by page', async () => {
    store.pageSize = 10;
    await revoke(...Array.from({ length: 35 }, (_, i) => ({ user_id: `user ${i}` })));
    expect(told.flat()).toEqual(Array.from({ length: 35 }, (_, i) => `user ${i}`));
    expect(revocations.checkedAt).toBe(START);
  });

  test('are all read at once when the last one read is gone, as that of a session is after a day', async () => {
    await revoke({ user_id: 'ada' }, { user_id: 'bob' }, { user_id: 'gone' });
    store.stored.pop();
    store.pageSize = 1;
    await revoke({ user_id: 'new' });
    expect(told.flat()).toEqual(['ada', 'bob', 'gone', 'new']);
  });

  test('of a backup that was restored are read from its beginning, also when its ids were given out again', async () => {
    await revoke({ user_id: 'ada' }, { user_id: 'bob' }, { user_id: 'gone' });
    await wait(SECOND);
    store.restoreTo(3);
    await revocations.check();
    for (const user_id of ['new', 'newer']) store.add({ user_id });
    store.pageSize = 1;
    await revocations.check();
    expect(told.flat()).toEqual(['ada', 'bob', 'gone', 'new', 'newer']);

    store.restoreTo(2);
    await wait(SECOND);
    for (const user_id of ['x', 'y', 'z', 'zz']) store.add({ user_id });
    await revocations.check();
    expect(told.flat().slice(5)).toEqual(['x', 'y', 'z', 'zz']);
    // what was revoked before stays revoked
    expect(revocations.isRevoked(token(null, { user_id: 'gone' }))).toBe(true);
  });

  test('stay in force while the store is away, which is said once, and go on where they were', async () => {
    await revocations.start();
    await revoke({ user_id: 'ada' });
    store.away = true;
    await wait(10 * 60 * SECOND);
    expect(revocations.isRevoked(token(null))).toBe(true);
    expect(revocations.checkedAt).toBe(START);
    expect(lines).toEqual(['warn: revocations cannot be read; those that are known stay in force']);
    store.away = false;
    store.add({ user_id: 'bob' });
    await wait(2 * SECOND);
    expect(revocations.isRevoked(token(null, { user_id: 'bob' }))).toBe(true);
    expect(lines.slice(1)).toEqual(['info: revocations are read again']);
  });

  test('that cannot be read at the start do not delay `start`, but `readLately`', async () => {
    store.away = true;
    store.add({ user_id: 'ada' });
    await revocations.start();
    await expect(revocations.readLately()).rejects.toThrow('away');
    expect(revocations.checkedAt).toBeUndefined();
    store.away = false;
    await revocations.readLately();
    expect(revocations.isRevoked(token(null))).toBe(true);
  });

  test('that were not read for ten seconds are a fault of the process, until they are read again', async () => {
    await revocations.start();
    store.away = true;
    await wait(10 * SECOND);
    await revocations.readLately();
    await wait(1);
    await expect(revocations.readLately()).rejects.toThrow('away');
    store.away = false;
    await revocations.readLately();
  });

  test('that nothing reads yet are read when the start asks for them again', async () => {
    await revocations.readLately();
    await wait(DAY);
    await revocations.readLately();
    expect(store.asked).toEqual([0, 0]);
  });

  test('of this process are in force and told before they are read, and once', async () => {
    await revocations.start();
    const { length } = store.asked;
    await revocations.revoke({ user_id: 'ada' });
    expect([revocations.isRevoked(token(START - 1)), store.asked.length]).toEqual([true, length]);
    await revocations.check();
    expect(told).toEqual([['ada']]);
    store.away = true;
    await expect(revocations.revoke({ user_id: 'bob' })).rejects.toThrow('away');
    expect(revocations.isRevoked(token(null, { user_id: 'bob' }))).toBe(false);
  });

  test('are read one read at a time, and a check sees what was stored before it', async () => {
    let open!: () => void;
    store.gate = new Promise((resolve) => (open = resolve));
    await Promise.race([revocations.start(), wait(0)]);
    store.add({ user_id: 'ada' });
    const checks = [revocations.check(), revocations.check()];
    await wait(20 * SECOND);
    expect(store.asked).toHaveLength(1);
    open();
    await Promise.all(checks);
    expect(revocations.isRevoked(token(null))).toBe(true);
    // one read that had begun, and one for both checks
    expect(store.asked).toEqual([0, 0, 1]);
  });

  test('are heard by the others when one listener fails', async () => {
    const broken = make();
    broken.onNew(() => {
      throw new TypeError('a bug');
    });
    const heard: string[] = [];
    broken.onNew((fresh) => heard.push(...fresh.map(describeOne)));
    store.add({ user_id: 'ada' });
    await broken.check();
    expect(heard).toEqual(['ada']);
    expect(lines).toEqual(['error: what follows from a revocation failed']);
  });

  test('are bounded: beyond it the oldest goes, and with it everybody’s tokens from before it', async () => {
    revocations = make(2);
    const atSecond = async (second: number, revocation: NewRevocation) => {
      jest.setSystemTime(START + second * SECOND);
      await revoke(revocation);
    };
    await atSecond(0, { user_id: 'ada', jti: 'one' });
    await atSecond(1, { user_id: 'bob', tenant_id: acme });
    await atSecond(2, { user_id: 'bob', tenant_id: acme });
    expect(revocations.isRevoked(token(null, { user_id: 'eve' }))).toBe(false);
    await atSecond(3, { user_id: 'carl' });
    const isRevoked = (second: number, more: Partial<RevocableToken> = {}) =>
      revocations.isRevoked(token(START + second * SECOND, more));
    expect([
      isRevoked(-1, { jti: 'one' }),
      isRevoked(-1, { user_id: 'eve' }),
      isRevoked(0, { user_id: 'eve' }),
      isRevoked(2, { user_id: 'carl' }),
    ]).toEqual([true, true, false, true]);
    expect(revocations.tenantsRevoked(token(START + SECOND, { user_id: 'bob' }))).toEqual(new Set([acme]));
    await atSecond(4, { user_id: 'dora' });
    expect([isRevoked(1, { user_id: 'eve' }), isRevoked(2, { user_id: 'eve' })]).toEqual([true, false]);
    await atSecond(5, { user_id: 'far', issued_before: '2062-01-01T00:00:00.000Z' });
    for (const second of [6, 7]) await atSecond(second, { user_id: `user ${second}` });
    expect([isRevoked(4, { user_id: 'eve' }), isRevoked(5, { user_id: 'eve' })]).toEqual([true, false]);
    expect(lines.filter((line) => line.startsWith('error: more revocations'))).toHaveLength(1);
  });
});
