import { AlertStream } from '../alert-stream';
import { BrowserTabs } from '../testing/browser-tabs';
import { aToken, anEntry, connection, cursorAt, sayEntry } from '../testing/frames';
import { problem, ScriptedFetch } from '../testing/scripted-fetch';
import { RecentEntries } from './recent-entries';

interface Tab {
  stream: AlertStream;
  told: number[];
  toasts: number[];
}

describe('the tabs of a browser', () => {
  let server: ScriptedFetch;
  let tabs: Tab[];
  let browser: BrowserTabs;
  let uninstall: () => void;
  beforeEach(() => {
    jest.useFakeTimers();
    browser = new BrowserTabs();
    uninstall = browser.install();
    server = new ScriptedFetch();
    tabs = [];
  });
  afterEach(() => {
    for (const { stream } of tabs) stream.close();
    uninstall();
    Reflect.deleteProperty(globalThis, 'document');
    jest.useRealTimers();
  });

  /** Makes the pages of all tabs visible, or hidden. */
  function see(visibilityState: 'visible' | 'hidden'): void {
    const document = { visibilityState, addEventListener: () => undefined, removeEventListener: () => undefined };
    Object.defineProperty(globalThis, 'document', { configurable: true, value: document });
  }
  const settle = () => jest.advanceTimersByTimeAsync(1);
  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

  async function openTab(options: { from?: string; user?: string; token?: () => string } = {}): Promise<Tab> {
    const stream = new AlertStream({
      token: aToken({ sub: options.user ?? 'ana' }),
      storage: null,
      fetch: server.fetch,
      ...options,
    });
    const tab: Tab = { stream, told: [], toasts: [] };
    stream.on('entry', ({ seq }, { notify }) => {
      tab.told.push(seq);
      if (notify) tab.toasts.push(seq);
    });
    tabs.push(tab);
    stream.open();
    await settle();
    return tab;
  }

  async function openThree(): Promise<[Tab, Tab, Tab]> {
    const first = await openTab();
    server.last.say('connection', connection(), cursorAt(0));
    await settle();
    return [first, await openTab(), await openTab()];
  }

  it('have one connection, hear the same, and one of them toasts', async () => {
    const all = await openThree();
    sayEntry(server.last, 1);
    sayEntry(server.last, 2);
    await settle();
    expect(server.asked).toHaveLength(1);
    expect(all.map(({ told }) => told)).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(all.flatMap(({ toasts }) => toasts)).toEqual([1, 2]);
    expect(all.map(({ stream }) => [stream.status.state, stream.status.isLeader, stream.cursor])).toEqual([
      ['live', true, cursorAt(2)],
      ['live', false, cursorAt(2)],
      ['live', false, cursorAt(2)],
    ]);
  });

  it('that are opened together hear everything from when the first of them is connected', async () => {
    const all = [await openTab(), await openTab(), await openTab()];
    await pass(500);
    server.last.say('connection', connection(), cursorAt(0));
    await settle();
    sayEntry(server.last, 1);
    await settle();
    expect(all.map(({ stream, told }) => [stream.status.state, told])).toEqual([
      ['live', [1]],
      ['live', [1]],
      ['live', [1]],
    ]);
  });

  it('hand the connection on when the one that has it closes, and miss nothing', async () => {
    const [first, ...others] = await openThree();
    sayEntry(server.last, 1);
    await settle();
    first.stream.close();
    await pass(200);
    expect(server.asked).toHaveLength(2);
    expect(server.last.headers.get('last-event-id')).toBe(cursorAt(1));
    server.last.say('connection', connection('resumed', { behind: 1 }), cursorAt(1));
    sayEntry(server.last, 2);
    sayEntry(server.last, 3);
    await settle();
    expect(others.map(({ told }) => told)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(others.flatMap(({ toasts }) => toasts).sort()).toEqual([2, 3]);
    expect(others.filter(({ stream }) => stream.status.isLeader)).toHaveLength(1);
  });

  it('that come late get what they missed from the leading tab; one that is too far behind connects by itself, once', async () => {
    const first = await openTab({ from: cursorAt(10) });
    server.last.say('connection', connection('resumed'), cursorAt(10));
    for (let seq = 11; seq <= 20; seq += 1) sayEntry(server.last, seq);
    await settle();
    const late = await openTab({ from: cursorAt(15) });
    expect([late.told, late.toasts, server.asked.length]).toEqual([[16, 17, 18, 19, 20], [], 1]);

    const far = await openTab({ from: cursorAt(5) });
    await settle();
    expect(server.asked[1]!.headers.get('last-event-id')).toBe(cursorAt(5));
    const own = server.last;
    own.say('connection', connection('resumed', { behind: 15 }), cursorAt(5));
    for (let seq = 6; seq <= 20; seq += 1) sayEntry(own, seq);
    await settle();
    expect([own.aborted, far.told.length, far.toasts]).toEqual([true, 15, []]);
    sayEntry(server.streams[0]!, 21);
    await settle();
    expect([first, late, far].map(({ told }) => told.at(-1))).toEqual([21, 21, 21]);
    expect(server.asked).toHaveLength(2);
  });

  it.each([
    ['lost entries', 'window_exceeded', cursorAt(900)],
    ['got another history', 'history_replaced', 'e2-10-abcdefgh'],
  ])('that come late are told by the server when the stream has %s since', async (_, reason, cursor) => {
    await openTab({ from: cursorAt(10) });
    server.last.say('connection', connection('resumed'), cursorAt(10));
    for (let seq = 11; seq <= 20; seq += 1) sayEntry(server.last, seq);
    server.last.say('reset', { tenant_id: 'bakery', reason, snapshot: '/api/v1/alerts' }, cursor);
    await settle();
    const late = await openTab({ from: cursorAt(15) });
    await settle();
    expect([late.told, server.asked.length]).toEqual([[], 2]);
    expect(server.last.headers.get('last-event-id')).toBe(cursorAt(15));
    server.last.say('connection', connection('gap', { missed: null, reason: 'history_replaced' }), cursor);
    await settle();
    expect(late.stream.status.gap?.tenants).toHaveLength(1);
    await settle();
    expect([late.stream.status.state, server.asked.length]).toEqual(['live', 2]);
  });

  it('that are all signed out are live again when one of them is signed in, have missed nothing, and one of them takes over when that one closes', async () => {
    let token = aToken();
    const options = { token: () => token };
    const first = await openTab(options);
    server.last.say('connection', connection(), cursorAt(0));
    await settle();
    const all = [first, await openTab(options), await openTab(options)] as const;
    const [, second, third] = all;
    sayEntry(server.last, 1);
    await settle();
    const states = () => all.map(({ stream }) => stream.status.state);
    server.answers = Array.from({ length: 6 }, () => problem(401, 'token_expired'));
    server.last.say('close', { reason: 'token_expired', action: 'reauthenticate', retry_ms: 0 });
    await pass(1_000);
    // the first tab asks one more time, each other tab twice
    expect([states(), server.answers.length]).toEqual([['signed_out', 'signed_out', 'signed_out'], 1]);

    server.answers = [];
    token = aToken({ exp: Date.now() / 1_000 + 7_200 });
    const asked = server.asked.length;
    for (const { stream } of [second, first, third]) stream.reconnect();
    await pass(200);
    expect(server.asked).toHaveLength(asked + 1);
    server.last.say('connection', connection('resumed', { behind: 1 }), cursorAt(1));
    sayEntry(server.last, 2);
    await pass(200);
    expect([states(), all.map(({ told }) => told)]).toEqual([
      ['live', 'live', 'live'],
      [
        [1, 2],
        [1, 2],
        [1, 2],
      ],
    ]);

    second.stream.close();
    await pass(200);
    expect([first, third].filter(({ stream }) => stream.status.isLeader)).toHaveLength(1);
    server.last.say('connection', connection('resumed'), cursorAt(2));
    sayEntry(server.last, 3);
    await pass(200);
    expect([first.told, third.told, all.flatMap(({ toasts }) => toasts).sort()]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it('that are signed out say so until another tab is live, and not what that one is doing', async () => {
    let token = aToken();
    const options = { token: () => token };
    const first = await openTab(options);
    server.last.say('connection', connection(), cursorAt(0));
    await settle();
    const second = await openTab(options);
    server.answers = Array.from({ length: 6 }, () => problem(401, 'token_expired'));
    server.last.say('close', { reason: 'token_expired', action: 'reauthenticate', retry_ms: 0 });
    await pass(1_000);
    expect([first, second].map(({ stream }) => stream.status.state)).toEqual(['signed_out', 'signed_out']);

    token = aToken({ exp: Date.now() / 1_000 + 7_200 });
    server.answers = Array.from({ length: 3 }, () => problem(503, 'draining'));
    second.stream.reconnect();
    await pass(500);
    expect([first, second].map(({ stream }) => stream.status.state)).toEqual(['signed_out', 'reconnecting']);
    // the tab that has given up would otherwise wait for this one for ever
    second.stream.close();
    await pass(60_000);
    expect(first.stream.status.state).toBe('signed_out');
  });

  it('connect again when the user signs in, also where one of them catches up by itself', async () => {
    let token = aToken();
    await openTab({ from: cursorAt(10) });
    server.last.say('connection', connection('resumed'), cursorAt(10));
    await settle();
    const begun = server.asked.length;
    server.answers = [problem(401, 'token_expired'), problem(401, 'token_expired')];
    const far = await openTab({ from: cursorAt(5), token: () => token });
    await pass(1_000);
    expect([far.stream.status.state, server.asked.length - begun]).toEqual(['signed_out', 2]);
    token = aToken({ exp: Date.now() / 1_000 + 7_200 });
    far.stream.reconnect();
    await pass(1_000);
    expect(server.last.headers.get('last-event-id')).toBe(cursorAt(5));
    server.last.say('connection', connection('resumed', { behind: 5 }), cursorAt(5));
    for (let seq = 6; seq <= 10; seq += 1) sayEntry(server.last, seq);
    await settle();
    expect([far.stream.status.state, far.told]).toEqual(['live', [6, 7, 8, 9, 10]]);
  });

  it('ask again with a credential that was refused in one of them, once the connection of another is accepted', async () => {
    const [, , third] = await openThree();
    const { credential } = third.stream;
    const askedWith: unknown[] = [];
    third.stream.on(
      'connection',
      () => void credential.forApi().then((signature) => askedWith.push(signature?.headers)),
    );
    credential.refuse();
    expect(await credential.forApi()).toBeNull();
    server.last.say('close', { reason: 'shutdown', action: 'reconnect', retry_ms: 0 });
    await pass(1_000);
    server.last.say('connection', connection('resumed'), cursorAt(0));
    await settle();
    expect(askedWith).toEqual([{ Authorization: expect.stringMatching(/^Bearer /) }]);

    credential.refuse();
    const now = new Date().toISOString();
    server.last.say('heartbeat', { server_time: now, checked_at: now });
    await settle();
    expect(await credential.forApi()).not.toBeNull();
  });

  it('of two users share nothing', async () => {
    await openTab();
    await openTab({ user: 'ben' });
    expect(server.asked).toHaveLength(2);
  });

  it('survive a tab that opens, closes and opens again at once, as Strict Mode does', async () => {
    const { stream } = await openTab();
    for (let i = 0; i < 3; i += 1) {
      stream.close();
      stream.open();
    }
    await settle();
    server.last.say('connection', connection(), cursorAt(0));
    await settle();
    expect(stream.status).toMatchObject({ state: 'live', isLeader: true });
    stream.close();
    await settle();
    const next = await openTab();
    expect([next.stream.status.state, server.last.aborted]).toEqual(['connecting', false]);
  });

  it('notice by themselves when the leading tab falls silent', async () => {
    const [, second] = await openThree();
    expect(second.stream.status.state).toBe('live');
    server.answers = ['silence'];
    await pass(40_000);
    expect(second.stream.status.state).toBe('stale');
  });

  it('take the lead over when the tab that has it is suspended, if they are visible', async () => {
    const first = await openTab();
    server.last.say('connection', connection(), cursorAt(0));
    await settle();
    see('hidden');
    const wake = browser.suspend();
    const second = await openTab();
    await pass(10_000);
    expect([second.stream.status.state, server.asked.length]).toEqual(['connecting', 1]);
    see('visible');
    await pass(3_000);
    expect(server.asked).toHaveLength(2);
    server.last.say('connection', connection(), cursorAt(0));
    sayEntry(server.last, 1);
    await settle();
    expect([second.stream.status.state, second.stream.status.isLeader, second.told]).toEqual(['live', true, [1]]);
    wake();
    await pass(1_000);
    sayEntry(server.last, 2);
    await settle();
    expect([first.stream.status.state, first.stream.status.isLeader]).toEqual(['live', false]);
    expect([first.told, second.told]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect([server.asked.length, server.streams[0]!.aborted]).toEqual([2, true]);
  });

  it('take over from a tab that is suspended while they follow it, and miss nothing', async () => {
    see('visible');
    const first = await openTab();
    server.last.say('connection', connection(), cursorAt(0));
    await settle();
    const second = await openTab();
    sayEntry(server.last, 1);
    await settle();
    const wake = browser.suspend(1);
    for (let beats = 0; beats < 5; beats += 1) {
      const now = new Date().toISOString();
      server.streams[0]!.say('heartbeat', { server_time: now, checked_at: now });
      await pass(10_000);
    }
    expect(server.asked).toHaveLength(2);
    expect(server.last.headers.get('last-event-id')).toBe(cursorAt(1));
    server.last.say('connection', connection('resumed', { behind: 1 }), cursorAt(1));
    sayEntry(server.last, 2);
    await settle();
    wake();
    await pass(1_000);
    expect([first.told, second.told, first.stream.status.isLeader]).toEqual([[1, 2], [1, 2], false]);
  });

  it.each(['reconnecting', 'catching_up'] as const)(
    'take over from a tab that is suspended after it has said that it is %s, and say so no longer',
    async (state) => {
      see('visible');
      await openTab();
      server.last.say('connection', connection(), cursorAt(0));
      await settle();
      const second = await openTab();
      const begun = server.asked.length;
      server.answers = state === 'reconnecting' ? Array.from({ length: 40 }, () => problem(503, 'draining')) : [];
      server.last.break();
      await pass(1_000);
      if (state === 'catching_up') server.last.say('connection', connection('resumed', { behind: 9 }), cursorAt(0));
      await settle();
      expect([second.stream.status.state, server.asked.length > begun]).toEqual([state, true]);
      browser.suspend(1);
      server.answers = [];
      await pass(60_000);
      expect(second.stream.status.isLeader).toBe(true);
      for (const stream of server.streams.filter(({ aborted }) => !aborted)) {
        stream.say('connection', connection('resumed'), cursorAt(0));
        sayEntry(stream, 1);
      }
      await settle();
      expect([second.stream.status.state, second.told]).toEqual(['live', [1]]);
    },
  );

  it('keep the last entries for late tabs, and know where they begin', () => {
    const recent = new RecentEntries();
    const told = (event: 'connection' | 'notification', seq: number) => ({
      event,
      data: anEntry(seq),
      cursor: cursorAt(seq),
      replayed: false,
      toastable: true,
    });
    recent.add(told('connection', 0));
    for (let seq = 1; seq <= 2_500; seq += 1) recent.add(told('notification', seq));
    expect(recent.since(cursorAt(0))).toBeNull();
    expect(recent.since(cursorAt(2_490))?.map(({ cursor }) => cursor)).toHaveLength(10);
    // a stream that goes on where the last one ended forgets nothing; one that begins elsewhere forgets everything
    recent.add(told('connection', 2_500));
    expect(recent.since(cursorAt(2_490))).toHaveLength(10);
    recent.add(told('connection', 3_000));
    expect(recent.since(cursorAt(2_490))).toBeNull();
  });
});
