import { AlertStream, createAlertStream } from './alert-stream';
import type { AlertStreamOptions } from './stream/options';
import type { Heard } from './stream/stream-events';
import { anEntry, aToken, connection, cursorAt, heartbeat, sayEntry } from './testing/frames';
import { html, problem, ScriptedFetch } from './testing/scripted-fetch';

describe('a stream', () => {
  let server: ScriptedFetch;
  let stream: AlertStream;
  let told: number[];
  let heard: Heard[];
  let states: string[];
  beforeEach(() => {
    jest.useFakeTimers();
    server = new ScriptedFetch();
    told = [];
    heard = [];
    states = [];
  });
  afterEach(() => {
    stream.close();
    jest.useRealTimers();
  });

  const settle = () => jest.advanceTimersByTimeAsync(0);
  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

  async function open(options: AlertStreamOptions = {}): Promise<void> {
    stream = createAlertStream({ token: aToken(), storage: null, sharing: false, fetch: server.fetch, ...options });
    stream.on('entry', ({ seq }, how) => {
      told.push(seq);
      heard.push(how);
    });
    stream.subscribe(() => states.at(-1) !== stream.status.state && states.push(stream.status.state));
    stream.open();
    await settle();
  }

  async function openLive(options: AlertStreamOptions = {}): Promise<void> {
    await open(options);
    server.last.say('connection', connection(), cursorAt(0));
    await settle();
    expect(stream.status.state).toBe('live');
  }

  /** Advances the clock past back-offs until the client has sent another request. */
  async function nextAttempt(limitMs = 60_000): Promise<number> {
    const [before, from] = [server.asked.length, Date.now()];
    while (server.asked.length === before && Date.now() - from < limitMs) await pass(50);
    expect(server.asked.length).toBe(before + 1);
    return Date.now() - from;
  }

  it("asks the page's own host with the token in the header, and tells entries under their names", async () => {
    const named: string[] = [];
    await open({ tenants: ['bakery'], filter: { severity: ['urgent', 'high'], labels: { site: 'north' } } });
    stream.on('inventory_alert', ({ title }) => named.push(title));
    expect(stream.status.state).toBe('connecting');
    expect(server.asked[0]!.url).toBe('/api/events?tenant=bakery&severity=urgent%2Chigh&label.site=north');
    expect(server.asked[0]!.headers.get('authorization')).toMatch(/^Bearer /);
    expect(server.asked[0]!.headers.get('last-event-id')).toBeNull();
    server.last.say('connection', connection(), cursorAt(0));
    sayEntry(server.last, 1);
    await settle();
    expect([stream.status.state, told, named, stream.cursor]).toEqual(['live', [1], ['Alert 1'], cursorAt(1)]);
    expect(heard[0]).toEqual({ replayed: false, notify: true, cursor: cursorAt(1) });
  });

  it.each<[string, () => Response | Error, string]>([
    ['a proxy that answers 503 with a page', () => html(503), 'http_503'],
    ['a proxy that answers 502', () => html(502), 'http_502'],
    ['a default backend that answers 404', () => html(404), 'http_404'],
    ['a login page with 200', () => html(200), 'not_a_stream'],
    ['a gateway that is full', () => problem(503, 'at_capacity'), 'at_capacity'],
    ['no network', () => new TypeError('Failed to fetch'), 'network'],
  ])('survives %s', async (_, answer, reason) => {
    server.answers = [answer(), answer(), answer()];
    await open();
    for (let i = 0; i < 3; i += 1) {
      expect(stream.status).toMatchObject({ state: 'reconnecting', reason });
      expect(stream.status.retryAt).toBeGreaterThan(Date.now());
      await nextAttempt();
    }
    server.last.say('connection', connection(), cursorAt(0));
    await settle();
    expect(stream.status).toMatchObject({ state: 'live', reason: null, retryAt: null });
  });

  it('backs off further and further, up to five seconds in the first minutes', async () => {
    server.answers = Array.from({ length: 9 }, () => html(503));
    await open();
    const waits: number[] = [];
    for (let i = 0; i < 8; i += 1) waits.push(await nextAttempt());
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(Math.min(5_000, 1_000 * 2 ** i) / 2 - 50);
      expect(wait).toBeLessThanOrEqual(Math.min(5_000, 1_000 * 2 ** i) + 100);
    }
  });

  it('waits at least as long as Retry-After, retry_ms and retry: say', async () => {
    server.answers = [html(503, { 'Retry-After': '20' })];
    await open();
    expect(await nextAttempt()).toBeGreaterThanOrEqual(20_000);
    server.last.say('close', { reason: 'draining', action: 'reconnect', retry_ms: 9_000 });
    await settle();
    expect(stream.status).toMatchObject({ state: 'reconnecting', reason: 'draining' });
    expect(await nextAttempt()).toBeGreaterThanOrEqual(9_000);
    server.last.write('retry: 12000\n\n');
    await settle();
    server.last.end();
    await settle();
    expect(await nextAttempt()).toBeGreaterThanOrEqual(12_000);
  });

  it('resumes at its cursor after a break, and drops what it has heard', async () => {
    await openLive();
    sayEntry(server.last, 1);
    sayEntry(server.last, 2);
    await settle();
    server.last.break();
    await nextAttempt();
    expect(server.asked[1]!.headers.get('last-event-id')).toBe(cursorAt(2));
    server.last.say('connection', connection('resumed', { behind: 1 }), cursorAt(2));
    await settle();
    expect(stream.status).toMatchObject({ state: 'catching_up', left: 1, resumed: 1 });
    sayEntry(server.last, 2);
    sayEntry(server.last, 3);
    await settle();
    expect([told, stream.status.state]).toEqual([[1, 2, 3], 'live']);
    // after a short absence, missed entries notify as if they were live
    expect(heard.at(-1)).toMatchObject({ replayed: true, notify: true });
  });

  it('that is ended or lost while it catches up is not live when the replay would be over', async () => {
    await open();
    server.last.say('connection', connection('resumed', { behind: 5 }), cursorAt(0));
    sayEntry(server.last, 1);
    await settle();
    server.answers = Array.from({ length: 9 }, () => new TypeError('Failed to fetch'));
    server.last.break();
    await pass(1_500);
    expect(stream.status.state).toBe('reconnecting');
    server.answers = [];
    await nextAttempt();
    server.last.say('connection', connection('resumed', { behind: 4 }), cursorAt(1));
    sayEntry(server.last, 2);
    server.last.say('close', { reason: 'revoked', action: 'stop', retry_ms: 0 });
    await settle();
    const { state } = stream.status;
    expect(['forbidden', 'signed_out']).toContain(state);
    await pass(1_500);
    expect(stream.status.state).toBe(state);
  });

  it('marks entries that are replayed after a long absence, so that no tab toasts them', async () => {
    await openLive();
    sayEntry(server.last, 1);
    await settle();
    server.answers = Array.from({ length: 4 }, () => new TypeError('Failed to fetch'));
    server.last.break();
    await settle();
    while (server.streams.length < 2) await pass(1_000);
    await pass(30_000);
    server.last.say('connection', connection('resumed', { behind: 2 }), cursorAt(1));
    sayEntry(server.last, 2);
    sayEntry(server.last, 3);
    sayEntry(server.last, 4);
    await settle();
    expect(heard.map(({ replayed, notify }) => [replayed, notify])).toEqual([
      [false, true],
      [true, false],
      [true, false],
      [false, true],
    ]);
  });

  it('was away while it was refused in streams, so that no tab toasts what it missed then', async () => {
    await openLive();
    sayEntry(server.last, 1);
    await settle();
    const lostAt = Date.now();
    server.last.break();
    await settle();
    while (Date.now() - lostAt < 40_000) {
      await nextAttempt();
      server.last.say('close', { reason: 'at_capacity', action: 'reconnect', retry_ms: 3_000 });
      await settle();
      expect(stream.status).toMatchObject({ state: 'reconnecting', reason: 'at_capacity' });
    }
    await nextAttempt();
    server.last.say('connection', connection('resumed', { behind: 1 }), cursorAt(1));
    sayEntry(server.last, 2);
    sayEntry(server.last, 3);
    await settle();
    expect(heard.slice(1).map(({ replayed, notify }) => [replayed, notify])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('is live when the rest of a replay does not pass its filter', async () => {
    await open({ from: cursorAt(1) });
    server.last.say('connection', connection('resumed', { behind: 5 }), cursorAt(1));
    sayEntry(server.last, 3);
    await settle();
    expect(stream.status).toMatchObject({ state: 'catching_up', left: 3 });
    await pass(1_100);
    expect(stream.status.state).toBe('live');
  });

  it('is stale when it hears nothing for two and a half heartbeats, comes back by itself, and is live again only then', async () => {
    await openLive();
    await pass(30_000);
    expect(stream.status.state).toBe('live');
    server.answers = ['silence'];
    const silent = server.last;
    await pass(10_000);
    expect([stream.status.state, stream.status.reason, silent.aborted]).toEqual(['stale', 'silent', true]);
    await pass(15_000);
    expect(stream.status.state).toBe('reconnecting');
    await nextAttempt();
    server.last.say('connection', connection('resumed'), cursorAt(0));
    await settle();
    expect(stream.status.state).toBe('live');
  });

  it('is stale when the gateway cannot reach its event log', async () => {
    await openLive();
    server.last.say('heartbeat', heartbeat(11_000), cursorAt(0));
    await settle();
    expect(stream.status).toMatchObject({ state: 'stale', reason: 'log_unchecked' });
    server.last.say('heartbeat', heartbeat(), cursorAt(0));
    await settle();
    expect(stream.status).toMatchObject({ state: 'live', reason: null });
  });

  it('says until when everything is known: as long as the event log cannot be reached, until it last was', async () => {
    await openLive();
    await pass(5_000);
    sayEntry(server.last, 1);
    await settle();
    expect(stream.status.knownUntil).toBe(Date.now());
    await pass(15_000);
    server.last.say('heartbeat', heartbeat(4_000), cursorAt(1));
    await settle();
    expect([stream.status.state, stream.status.knownUntil]).toEqual(['live', Date.now() - 4_000]);
    await pass(15_000);
    server.last.say('heartbeat', heartbeat(16_000), cursorAt(1));
    await settle();
    const checkedAt = Date.now() - 16_000;
    expect(stream.status).toMatchObject({ state: 'stale', lastHeardAt: Date.now(), knownUntil: checkedAt });
    await pass(1_000);
    sayEntry(server.last, 2);
    await settle();
    expect(stream.status.knownUntil).toBe(checkedAt);
    server.last.break();
    await settle();
    expect(stream.status).toMatchObject({ state: 'reconnecting', reason: 'network', knownUntil: checkedAt });
    await nextAttempt();
    server.last.say('connection', connection('resumed', { behind: 2 }), cursorAt(2));
    await settle();
    expect(stream.status).toMatchObject({ state: 'catching_up', lastHeardAt: Date.now(), knownUntil: checkedAt });
    sayEntry(server.last, 3);
    sayEntry(server.last, 4);
    await settle();
    expect([stream.status.state, stream.status.knownUntil]).toEqual(['live', Date.now()]);
  });

  it('renews its token before it expires, and keeps its place', async () => {
    const wishes: string[] = [];
    const token = (wish: string) => {
      wishes.push(wish);
      return aToken({ exp: Date.now() / 1_000 + 100, iat: Date.now() / 1_000 });
    };
    await openLive({ token });
    for (let renewal = 1; renewal <= 3; renewal += 1) {
      sayEntry(server.last, renewal);
      const old = server.last;
      for (let i = 0; i < 11 && !old.aborted; i += 1) {
        await pass(10_000);
        if (!old.aborted) old.say('heartbeat', heartbeat(), cursorAt(renewal));
      }
      expect(old.aborted).toBe(true);
      await settle();
      expect(server.last.headers.get('last-event-id')).toBe(cursorAt(renewal));
      server.last.say('connection', connection('resumed'), cursorAt(renewal));
      await settle();
    }
    expect([wishes, told]).toEqual([
      ['first', 'expiring', 'expiring', 'expiring'],
      [1, 2, 3],
    ]);
    expect(states).toEqual(['connecting', 'live']);
  });

  it('asks once more for a token that was refused, and then says that the user is signed out', async () => {
    const token = jest.fn(() => aToken());
    server.answers = [problem(401, 'token_revoked'), problem(401, 'token_revoked')];
    await open({ token });
    expect(token.mock.calls).toEqual([['first'], ['refused']]);
    expect(stream.status).toMatchObject({
      state: 'signed_out',
      reason: 'token_revoked',
      detail: 'about token_revoked',
      retryAt: null,
    });
    await pass(3_600_000);
    expect(server.asked).toHaveLength(2);
    stream.reconnect();
    await settle();
    server.last.say('connection', connection(), cursorAt(0));
    await settle();
    expect(stream.status.state).toBe('live');
  });

  it('waits when the application cannot give a token, and does not sign the user out', async () => {
    let away = true;
    await open({ token: () => (away ? Promise.reject(new Error('away')) : aToken()) });
    expect(stream.status).toMatchObject({ state: 'reconnecting', reason: 'network' });
    away = false;
    await nextAttempt();
    expect(server.streams).toHaveLength(1);
  });

  it.each([null, ''])('is signed out without a token (%j)', async (token) => {
    await open({ token: () => token });
    expect([stream.status.state, stream.status.reason, server.asked.length]).toEqual([
      'signed_out',
      'no_credential',
      0,
    ]);
  });

  it('does not try again what the gateway has forbidden, nor what was revoked', async () => {
    server.answers = [problem(403, 'tenant_forbidden')];
    await open();
    expect(stream.status).toMatchObject({ state: 'forbidden', reason: 'tenant_forbidden' });
    stream.reconnect();
    await settle();
    server.last.say('connection', connection(), cursorAt(0));
    server.last.say('close', { reason: 'revoked', action: 'stop', retry_ms: 0 }, cursorAt(0));
    await settle();
    expect(stream.status).toMatchObject({ state: 'forbidden', reason: 'revoked' });
    await pass(600_000);
    expect(server.asked).toHaveLength(2);
  });

  it('takes a fresh ticket for each attempt', async () => {
    let tickets = 0;
    await open({ token: undefined, ticket: () => `ticket-${(tickets += 1)}` });
    server.last.break();
    await nextAttempt();
    expect(server.asked.map(({ url }) => url)).toEqual(['/api/events?ticket=ticket-1', '/api/events?ticket=ticket-2']);
  });

  it('tells a gap and a reset with the number of missed entries, until it is dismissed', async () => {
    const gaps: unknown[] = [];
    await open({ from: cursorAt(5) });
    stream.on('gap', (gap) => gaps.push(gap));
    server.last.say('connection', connection('gap', { missed: 12, reason: 'retention' }), cursorAt(17));
    sayEntry(server.last, 18);
    await settle();
    expect(stream.status.gap).toEqual({
      missed: 12,
      tenants: [{ tenant_id: 'bakery', missed: 12, reason: 'retention' }],
    });
    server.last.say('reset', { tenant_id: 'bakery', reason: 'history_replaced', snapshot: '/api/v1/alerts' }, 'e2-0-0');
    server.last.say(
      'inventory_alert',
      { ...(JSON.parse(JSON.stringify({ tenant_id: 'bakery', seq: 1 })) as object) },
      'e2-1-abcdefgh',
    );
    await settle();
    // the numbers begin again
    expect([told, stream.cursor, gaps.length]).toEqual([[18, 1], 'e2-1-abcdefgh', 2]);
    stream.dismissGap();
    expect(stream.status.gap).toBeNull();
  });

  it('takes the first entries of a history that replaced another for new ones, also after a replay', async () => {
    await open({ from: cursorAt(498) });
    server.last.say('connection', connection('resumed', { behind: 2 }), cursorAt(498));
    sayEntry(server.last, 499);
    sayEntry(server.last, 500);
    await settle();
    const reset = { tenant_id: 'bakery', reason: 'history_replaced', snapshot: '/api/v1/alerts' };
    server.last.say('reset', reset, 'e2-300-abcdefgh');
    server.last.say('inventory_alert', anEntry(301), 'e2-301-abcdefgh');
    await settle();
    expect([told, heard.map(({ notify }) => notify)]).toEqual([
      [499, 500, 301],
      [false, false, true],
    ]);
    expect([heard.at(-1)!.replayed, stream.status.state, stream.status.left]).toEqual([false, 'live', 0]);
  });

  it('keeps its position over page loads, only for its user and its filter', async () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
    await openLive({ storage });
    sayEntry(server.last, 1);
    await settle();
    stream.close();
    await open({ storage });
    expect(server.asked[1]!.headers.get('last-event-id')).toBe(cursorAt(1));
    stream.close();
    await open({ storage, token: aToken({ sub: 'ben' }) });
    await open({ storage, filter: { severity: ['urgent'] } });
    expect(server.asked.slice(2).map(({ headers }) => headers.get('last-event-id'))).toEqual([null, null]);
  });

  it.each([
    ['of a known user, and no longer once a position is kept', {}, cursorAt(4)],
    ['of an unknown user, for whom none is kept', { token: undefined, ticket: () => 'a-ticket' }, cursorAt(3)],
  ])('begins where the application says for the stream %s', async (_, options, next) => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
    const from = cursorAt(3);
    await openLive({ ...options, storage, from });
    sayEntry(server.last, 4);
    await settle();
    server.last.break();
    await nextAttempt();
    stream.close();
    await open({ ...options, storage, from });
    expect(server.asked.map(({ headers }) => headers.get('last-event-id'))).toEqual([cursorAt(3), cursorAt(4), next]);
  });

  it('goes on without a storage that is full or forbidden', async () => {
    const broken = () => {
      throw new DOMException('forbidden', 'SecurityError');
    };
    await openLive({ storage: { getItem: broken, setItem: broken, removeItem: broken } });
    sayEntry(server.last, 1);
    await pass(1_000);
    expect(told).toEqual([1]);
  });

  it('can be opened and closed repeatedly, and stops when it is closed', async () => {
    await openLive();
    stream.open();
    stream.close();
    stream.close();
    await settle();
    expect([server.last.aborted, stream.status.state]).toEqual([true, 'closed']);
    stream.open();
    await settle();
    expect(server.asked).toHaveLength(2);
    stream.close();
    await pass(600_000);
    expect([server.asked.length, jest.getTimerCount()]).toEqual([2, 0]);
  });

  it('calls the other listeners when one throws, and goes on', async () => {
    await openLive();
    const thrown = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => undefined);
    stream.on('inventory_alert', () => {
      throw new Error('of the application');
    });
    const last: number[] = [];
    stream.on('inventory_alert', ({ seq }) => last.push(seq));
    sayEntry(server.last, 1);
    await settle();
    expect([last, thrown.mock.calls.length, stream.status.state]).toEqual([[1], 1, 'live']);
    thrown.mockRestore();
  });
});
