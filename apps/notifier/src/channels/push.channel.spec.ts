import { randomUUID } from 'node:crypto';
import { generateVAPIDKeys } from 'web-push';
import { Unavailable, type ClaimedDelivery } from '@tocsin/contracts';
import type { PushTarget } from '@tocsin/contracts/ports';
import type { Entry, PushKeys } from '@tocsin/contracts/wire';
import { anEntry, aTenant } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { Breakers, FAILURES, FIRST_PAUSE_MS } from '../breakers';
import { Deliver } from '../deliver';
import { PushChannel, pushChannel, type PushOptions } from './push.channel';
import { MAX_PAYLOAD_BYTES, pushPayload } from './push-payload';
import { PushStandIn, type PushAnswering } from './testing/push-stand-in';

const keys = generateVAPIDKeys();
const options: PushOptions = {
  VAPID_PUBLIC_KEY: keys.publicKey,
  VAPID_PRIVATE_KEY: keys.privateKey,
  VAPID_SUBJECT: 'mailto:operations@example.com',
  WEBHOOK_ALLOW_PRIVATE: true,
};
const service = new PushStandIn(keys.publicKey);
beforeAll(() => service.listen());
afterAll(() => service.close());
afterEach(() => expect(service.faults.splice(0)).toEqual([]));

const bakery = aTenant('bakery');
const aNewEntry = (overrides: Partial<Entry> = {}) =>
  anEntry({ received_at: new Date(Date.now()).toISOString(), ...overrides });
const aDelivery = (overrides: Partial<ClaimedDelivery> = {}): ClaimedDelivery => ({
  tenant_id: bakery,
  delivery_id: randomUUID(),
  channel: 'push',
  recipient: 'user:ana',
  attempt: 1,
  created_at: '2026-01-02T03:04:05.678Z',
  first_due_at: '2026-01-02T03:04:05.678Z',
  entry: aNewEntry({ tenant_id: bakery, seq: 12, message: 'Only 2 kg left' }),
  notification: null,
  ...overrides,
});

/** The subscriptions of one user, in memory. */
function aUserWith(...browsers: PushKeys[]) {
  let rows = browsers;
  const taken = new Map<string, readonly string[]>();
  const asked: unknown[] = [];
  return {
    asked,
    left: () => rows.map(({ endpoint }) => endpoint),
    to: async (...about: [tenant: unknown, user: unknown, delivery: string]): Promise<PushTarget[]> => {
      asked.push(about);
      return rows.map((row) => ({ ...row, taken: (taken.get(about[2]) ?? []).includes(row.endpoint) }));
    },
    noteTaken: async (_tenant: unknown, endpoints: readonly string[], delivery: string) =>
      void taken.set(delivery, [...(taken.get(delivery) ?? []), ...endpoints]),
    forget: async (endpoints: readonly string[]) =>
      void (rows = rows.filter(({ endpoint }) => !endpoints.includes(endpoint))),
  };
}
const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
const log = createLogger({ app: 'test', level: 'silent' });
const never = new AbortController().signal;
const send = (user: ReturnType<typeof aUserWith>, delivery = aDelivery(), more: Partial<PushOptions> = {}) =>
  new PushChannel(user, { ...options, ...more }, new Breakers(metrics, log)).send(delivery, never);
const answer =
  (status: number, headers: Record<string, string> = {}): PushAnswering =>
  (_request, response) =>
    void response.writeHead(status, headers).end();

describe('a push message', () => {
  // the topic depends on the age of the entry, and a busy machine may take seconds to send
  beforeEach(() => void jest.spyOn(Date, 'now').mockReturnValue(Date.now()));
  afterEach(() => jest.restoreAllMocks());

  it('is encrypted for each browser of the user, and signed with our key', async () => {
    const [phone, laptop] = [service.subscribe(), service.subscribe()];
    const user = aUserWith(phone.keys, laptop.keys);
    const delivery = aDelivery();
    expect(await send(user, delivery)).toEqual({ outcome: 'sent', answer: '2 of 2 browsers' });
    expect(user.asked).toEqual([['bakery', 'ana', delivery.delivery_id]]);
    for (const { pushed } of [phone, laptop])
      expect(pushed).toEqual([
        {
          payload: {
            delivery_id: delivery.delivery_id,
            tenant_id: 'bakery',
            alert_id: delivery.entry!.alert_id,
            seq: 12,
            severity: 'urgent',
            title: expect.stringMatching(/^\[URGENT\] Flour is running low/) as string,
            body: 'Only 2 kg left',
            at: Date.parse(delivery.created_at),
          },
          bytes: expect.any(Number) as number,
          ttl: '14400',
          urgency: 'high',
          topic: delivery.entry!.alert_id.replaceAll('-', ''),
          claims: expect.objectContaining({ sub: 'mailto:operations@example.com' }) as object,
        },
      ]);
  });

  it.each([
    ['urgent', 'high', '14400'],
    ['high', 'high', '14400'],
    ['medium', 'normal', '3600'],
    ['low', 'low', '3600'],
  ] as const)('that is %s has the urgency %s and lasts %s s', async (severity, urgency, ttl) => {
    const browser = service.subscribe();
    await send(aUserWith(browser.keys), aDelivery({ entry: anEntry({ severity }) }));
    expect(browser.pushed[0]).toMatchObject({ urgency, ttl });
  });

  it('replaces an older one on the same alert, and none on another', async () => {
    const browser = service.subscribe();
    const [one, two] = [aNewEntry({ seq: 1 }), aNewEntry({ seq: 2 })];
    for (const entry of [one, { ...one, seq: 3 }, two]) await send(aUserWith(browser.keys), aDelivery({ entry }));
    const [first, second, other] = browser.pushed.map(({ topic }) => topic);
    expect([second, other === first]).toEqual([first, false]);
  });

  it('that is tried again replaces no newer one on the same alert, only itself', async () => {
    const browser = service.subscribe(answer(503));
    const user = aUserWith(browser.keys);
    const entry = aNewEntry({ seq: 12 });
    const older = aDelivery({ entry });
    expect(await send(user, older)).toMatchObject({ outcome: 'retry' });
    await send(user, aDelivery({ entry: { ...entry, seq: 15 } }));
    for (const attempt of [2, 3]) await send(user, { ...older, attempt });
    await send(user, { ...older, attempt: 4, attempts_before: 3 });
    const [newer, ...again] = browser.pushed.map(({ topic }) => topic);
    expect(newer).toBe(entry.alert_id.replaceAll('-', ''));
    expect(again).toEqual(again.map(() => older.delivery_id.replaceAll('-', '')));
  });

  it('that was held back for a while replaces no newer one on the same alert either', async () => {
    const browser = service.subscribe();
    const newer = aNewEntry({ seq: 15 });
    const received_at = new Date(Date.parse(newer.received_at) - 10_000).toISOString();
    const older = aDelivery({ entry: { ...newer, seq: 12, received_at } });
    await send(aUserWith(browser.keys), aDelivery({ entry: newer }));
    await send(aUserWith(browser.keys), older);
    const topics = [newer.alert_id, older.delivery_id].map((id) => id.replaceAll('-', ''));
    expect(browser.pushed.map(({ topic }) => topic)).toEqual(topics);
  });

  it.each(['x', '"', '\\', 'é', '😀', '日', '\n', '\u0001'])(
    'fits into the limit of push services, whatever text the alert has (%j)',
    async (letter) => {
      const browser = service.subscribe();
      const entry = anEntry({ title: letter.repeat(300).slice(0, 300), message: letter.repeat(20_000) });
      expect(Buffer.byteLength(pushPayload(aDelivery({ entry })))).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
      expect(await send(aUserWith(browser.keys), aDelivery({ entry }))).toMatchObject({ outcome: 'sent' });
      expect(browser.pushed[0]!.bytes).toBeLessThanOrEqual(4_096);
    },
  );

  it('of a notification has no alert', async () => {
    const browser = service.subscribe();
    const notification = {
      notification_id: randomUUID(),
      title: 'Stock-taking today',
      message: 'At six',
      severity: 'low',
      digest_of: null,
    } as const;
    await send(aUserWith(browser.keys), aDelivery({ entry: null, notification }));
    expect(browser.pushed[0]!.payload).toMatchObject({ alert_id: null, seq: null, body: 'At six' });
  });
});

describe('the answer of a push service', () => {
  it.each([404, 410])('%i forgets the browser, and fails the delivery when none is left', async (status) => {
    const user = aUserWith(service.subscribe(answer(status)).keys);
    expect(await send(user)).toMatchObject({ outcome: 'failed', reason: 'gone' });
    expect(user.left()).toEqual([]);
    expect(await send(user)).toMatchObject({ outcome: 'failed', reason: 'gone' });
  });

  it('410 of one browser does not keep the message from another', async () => {
    const [gone, laptop] = [service.subscribe(answer(410)), service.subscribe()];
    const user = aUserWith(gone.keys, laptop.keys);
    expect(await send(user)).toMatchObject({ outcome: 'sent' });
    expect(user.left()).toEqual([laptop.keys.endpoint]);
  });

  it('429 is tried again after the longest Retry-After', async () => {
    const slow = ['5', '9'].map((seconds) => service.subscribe(answer(429, { 'Retry-After': seconds })).keys);
    expect(await send(aUserWith(...slow))).toMatchObject({
      outcome: 'retry',
      reason: 'rate_limited',
      retry_after_ms: 9_000,
    });
  });

  it.each([
    [413, { outcome: 'failed', reason: 'rejected' }],
    [400, { outcome: 'failed', reason: 'rejected' }],
    [403, { outcome: 'retry', reason: 'unauthorized' }],
    [503, { outcome: 'retry', reason: 'provider_error' }],
    [302, { outcome: 'failed', reason: 'redirected' }],
  ])('%i ends the attempt as it must', async (status, outcome) => {
    const { keys: browser } = service.subscribe(answer(status, { Location: '/other' }));
    const user = aUserWith(browser);
    expect(await send(user)).toMatchObject(outcome);
    expect(user.left()).toEqual([browser.endpoint]);
  });

  it('that is lost leads to another attempt, because the browser recognises a duplicate', async () => {
    const { keys: browser } = service.subscribe((request) => void request.socket.destroy());
    expect(await send(aUserWith(browser))).toMatchObject({ outcome: 'retry', reason: 'connection_lost' });
  });
});

describe('of several browsers', () => {
  it('only those that have not accepted it are tried again', async () => {
    const [phone, laptop] = [service.subscribe(answer(503)), service.subscribe()];
    const user = aUserWith(phone.keys, laptop.keys);
    const delivery = aDelivery();
    expect(await send(user, delivery)).toMatchObject({ outcome: 'retry', reason: 'provider_error' });
    expect(await send(user, { ...delivery, attempt: 2 })).toEqual({ outcome: 'sent', answer: '2 of 2 browsers' });
    expect([phone.pushed.length, laptop.pushed.length]).toEqual([1, 1]);
  });

  it('one that has accepted it is enough after three attempts', async () => {
    const [phone, laptop] = [service.subscribe(...[1, 2, 3].map(() => answer(503))), service.subscribe()];
    const user = aUserWith(phone.keys, laptop.keys);
    const outcomes = [];
    const delivery = aDelivery();
    for (const attempt of [1, 2, 3]) outcomes.push((await send(user, { ...delivery, attempt })).outcome);
    expect(outcomes).toEqual(['retry', 'retry', 'sent']);
    expect(laptop.pushed).toHaveLength(1);
  });

  it('one that accepted it counts, although the other one is gone at the next attempt', async () => {
    const [phone, laptop] = [service.subscribe(answer(503), answer(410)), service.subscribe()];
    const user = aUserWith(phone.keys, laptop.keys);
    const delivery = aDelivery();
    await send(user, delivery);
    expect(await send(user, { ...delivery, attempt: 2 })).toMatchObject({ outcome: 'sent' });
  });

  it('all are tried three times again after a redrive', async () => {
    const [phone, laptop] = [service.subscribe(...[1, 2, 3].map(() => answer(503))), service.subscribe()];
    const user = aUserWith(phone.keys, laptop.keys);
    const outcomes = [];
    for (const attempt of [8, 9, 10])
      outcomes.push((await send(user, aDelivery({ attempt, attempts_before: 7 }))).outcome);
    expect(outcomes).toEqual(['retry', 'retry', 'sent']);
  });

  it('a refusal of one counts as an answer of its provider, although another one was not asked', async () => {
    const [gone, inside] = [service.subscribe(answer(410)), service.subscribe()];
    const user = aUserWith({ ...inside.keys, endpoint: 'ftp://10.0.0.1/' }, gone.keys);
    expect(await send(user)).toEqual({
      outcome: 'failed',
      reason: 'blocked_address',
      answer: expect.any(String) as string,
    });
    expect(await send(user)).toMatchObject({ outcome: 'failed', reason: 'blocked_address', of: 'us' });
  });
});

/** The users by their names, behind one channel and its breakers. */
const openFor = (users: Readonly<Record<string, ReturnType<typeof aUserWith>>>) => {
  const subscriptions = {
    to: (tenant: unknown, user: string, id: string) => users[user]!.to(tenant, user, id),
    noteTaken: async (...about: Parameters<ReturnType<typeof aUserWith>['noteTaken']>) => {
      for (const user of Object.values(users)) await user.noteTaken(...about);
    },
    forget: async () => undefined,
  };
  const breakers = new Breakers(metrics, log);
  const channel = new PushChannel(subscriptions, options, breakers);
  const deliver = new Deliver(breakers, metrics, log);
  const now = new Date().toISOString();
  return async (overrides: Partial<ClaimedDelivery>) =>
    (await deliver.deliver(channel, aDelivery({ created_at: now, first_due_at: now, ...overrides }), never)).outcome;
};

describe('a user whose browser does not take messages', () => {
  it('keeps no message from another user', async () => {
    const ana = service.subscribe(...Array.from({ length: FAILURES }, () => answer(429)));
    const deliver = openFor({ ana: aUserWith(ana.keys), ben: aUserWith(service.subscribe().keys) });
    for (let n = 0; n < FAILURES; n += 1) expect(await deliver({})).toBe('retry');
    expect(await deliver({ recipient: 'user:ben', tenant_id: aTenant('diner') })).toBe('sent');
    expect(await deliver({ recipient: 'user:ben' })).toBe('sent');
    expect(await deliver({ tenant_id: aTenant('diner') })).toBe('sent');
    expect(await deliver({})).toBe('released');
  });

  it('still gets them in another browser', async () => {
    const phone = service.subscribe(...Array.from({ length: FAILURES + 1 }, () => answer(429)));
    const laptop = service.subscribe();
    const deliver = openFor({ ana: aUserWith(phone.keys, laptop.keys) });
    for (let n = 0; n <= FAILURES; n += 1) await deliver({});
    expect(laptop.pushed).toHaveLength(FAILURES + 1);
  });

  it('still gets them in another browser, although several are tried again in the first one alone', async () => {
    const phone = service.subscribe(...Array.from({ length: 2 * FAILURES }, () => answer(503)));
    const laptop = service.subscribe();
    const deliver = openFor({ ana: aUserWith(phone.keys, laptop.keys) });
    const several = Array.from({ length: FAILURES }, () => randomUUID());
    for (const attempt of [1, 2])
      for (const delivery_id of several) expect(await deliver({ delivery_id, attempt })).toBe('retry');
    expect(laptop.pushed).toHaveLength(FAILURES);
    expect(await deliver({})).toBe('sent');
  });
});

describe('a browser whose push service is silent', () => {
  const silent = new PushStandIn(keys.publicKey);
  /** The clock of the breakers. It stands still, so that no pause ends before the test says so. */
  let clock: number;
  beforeAll(() => silent.listen());
  afterAll(() => silent.close());
  beforeEach(() => {
    clock = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => clock);
  });
  afterEach(() => jest.restoreAllMocks());
  const breakOff: PushAnswering = (request) => void request.socket.destroy();

  /** Another user's messages have shown that the service is silent; it would answer the next one. */
  const openToAna = async (...browsers: PushKeys[]) => {
    const { keys: other } = silent.subscribe(...Array.from({ length: FAILURES }, () => breakOff));
    const deliver = openFor({
      ana: aUserWith(...browsers),
      ben: aUserWith(other),
      cleo: aUserWith(silent.subscribe().keys),
    });
    for (let n = 0; n < FAILURES; n += 1) expect(await deliver({ recipient: 'user:ben' })).toBe('retry');
    return deliver;
  };

  it('gets the message as soon as the service is asked again: until then no attempt is used up', async () => {
    const phone = silent.subscribe();
    const deliver = await openToAna(phone.keys);
    for (let n = 0; n < 10; n += 1) expect(await deliver({})).toBe('released');
    expect(phone.pushed).toEqual([]);
    clock += FIRST_PAUSE_MS;
    expect(await deliver({})).toBe('sent');
    expect(phone.pushed).toHaveLength(1);
  });

  it('gets it although another browser has it, which gets it once', async () => {
    const [phone, laptop] = [silent.subscribe(), service.subscribe()];
    const deliver = await openToAna(phone.keys, laptop.keys);
    const delivery_id = randomUUID();
    const outcomes = [await deliver({ delivery_id })];
    for (let n = 0; n < 2; n += 1) outcomes.push(await deliver({ delivery_id, attempt: 2 }));
    expect(outcomes).toEqual(['retry', 'released', 'released']);
    expect([laptop.pushed.length, phone.pushed.length]).toEqual([1, 0]);
    clock += FIRST_PAUSE_MS;
    expect(await deliver({ delivery_id, attempt: 2 })).toBe('sent');
    expect([laptop.pushed.length, phone.pushed.length]).toEqual([1, 1]);
  });

  it('gets it although the attempts of another browser are over, of which it was asked in none', async () => {
    const [phone, laptop] = [silent.subscribe(), service.subscribe()];
    const tablet = service.subscribe(...Array.from({ length: 4 }, () => answer(503)));
    const deliver = await openToAna(phone.keys, laptop.keys, tablet.keys);
    const delivery_id = randomUUID();
    for (const attempt of [1, 2, 3]) expect(await deliver({ delivery_id, attempt })).toBe('retry');
    clock += FIRST_PAUSE_MS;
    expect(await deliver({ delivery_id, attempt: 4 })).toBe('sent');
    expect([laptop.pushed.length, tablet.pushed.length, phone.pushed.length]).toEqual([1, 0, 1]);
  });

  it('keeps no delivery from being sent whose user was told, once the delivery is too old for it', async () => {
    const deliver = await openToAna(silent.subscribe().keys, service.subscribe().keys);
    const delivery_id = randomUUID();
    expect(await deliver({ delivery_id })).toBe('retry');
    const at = new Date(clock - 3_600_000 + FIRST_PAUSE_MS - 1).toISOString();
    expect(await deliver({ delivery_id, attempt: 2, created_at: at, first_due_at: at })).toBe('sent');
    expect(await deliver({ created_at: at, first_due_at: at, recipient: 'user:cleo' })).toBe('released');
  });
});

it('the subscriptions cannot be read: it is tried again, and no push service is at fault', async () => {
  const user = { ...aUserWith(), to: () => Promise.reject(new Unavailable('log', 'away')) };
  expect(await send(user)).toEqual({ outcome: 'retry', reason: 'connection_failed', answer: 'away', of: 'us' });
  const broken = { ...aUserWith(), to: () => Promise.reject(new Error('a defect')) };
  await expect(send(broken)).rejects.toThrow('a defect');
});

it('a user without a browser says nothing of any push service', async () => {
  expect(await send(aUserWith())).toMatchObject({ outcome: 'failed', reason: 'gone', of: 'us' });
});

describe('an endpoint', () => {
  it('that leads into a private network is not connected to', async () => {
    const browser = service.subscribe();
    expect(await send(aUserWith(browser.keys), aDelivery(), { WEBHOOK_ALLOW_PRIVATE: false })).toMatchObject({
      outcome: 'failed',
      reason: 'blocked_address',
    });
    expect(browser.pushed).toEqual([]);
  });

  it('whose keys cannot encrypt anything is forgotten', async () => {
    const { keys: browser } = service.subscribe();
    const user = aUserWith({ ...browser, p256dh: Buffer.alloc(65, 4).toString('base64url') });
    expect(await send(user)).toMatchObject({ outcome: 'failed', reason: 'gone' });
    expect(user.left()).toEqual([]);
  });
});

it('a recipient that is no user is invalid', async () => {
  expect(await send(aUserWith(), aDelivery({ recipient: 'ana' }))).toEqual({
    outcome: 'failed',
    reason: 'invalid_recipient',
    of: 'us',
  });
});

it('the settings make the channel when they have both keys', () => {
  const [user, breakers] = [aUserWith() as never, new Breakers(metrics, log)];
  expect(pushChannel(options, user, breakers)?.channel).toBe('push');
  expect(pushChannel({ ...options, VAPID_PRIVATE_KEY: undefined }, user, breakers)).toBeUndefined();
});
