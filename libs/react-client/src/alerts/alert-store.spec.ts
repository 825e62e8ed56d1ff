import fc from 'fast-check';
import type { Alert, AlertPage, AlertPlace, AlertSearch, AlertStatus, Entry } from '@tocsin/contracts/wire';
import { AlertStream } from '../alert-stream';
import { aToken, anEntry, connection, cursorAt } from '../testing/frames';
import { problem, ScriptedFetch } from '../testing/scripted-fetch';
import { alertAfter } from './alert-from-entry';
import { matcherOf } from './alert-matches';
import { COMPARE } from './alert-order';
import { AlertStore } from './alert-store';
import { AlertsApi } from './alerts-api';

/** Plays the gateway: it keeps an event log and the alerts that follow from it, and responds as the API does. */
class Server {
  readonly log: Entry[] = [];
  readonly alerts = new Map<string, Alert>();
  /** How many alerts the server searches for one page. */
  bound = Infinity;

  /** Restores the log from before its first entry. */
  begin(): void {
    this.log.length = 0;
    this.alerts.clear();
  }

  append(overrides: Partial<Entry>): Entry {
    const seq = this.log.length + 1;
    const before = overrides.alert_id === undefined ? undefined : this.alerts.get(overrides.alert_id);
    const entry = anEntry(seq, {
      ...(before && {
        first_seen_at: before.first_seen_at,
        status: before.status,
        severity: before.severity,
        title: before.title,
        occurrences: before.occurrences + 1,
        previous: { status: before.status, severity: before.severity },
      }),
      ...overrides,
    });
    this.log.push(entry);
    this.alerts.set(entry.alert_id, alertAfter(before, entry));
    return entry;
  }

  page(search: AlertSearch): AlertPage {
    const compare = COMPARE[search.order ?? 'newest'];
    const after = search.after === undefined ? undefined : (JSON.parse(search.after) as AlertPlace);
    const behind = [...this.alerts.values()].sort(compare).filter((alert) => !after || compare(alert, after) > 0);
    const lookedAt = behind.slice(0, this.bound);
    const matching = lookedAt.filter(matcherOf(search, () => 'ana'));
    const alerts = matching.slice(0, search.limit ?? 50);
    const reached =
      alerts.length < matching.length ? alerts.at(-1)! : lookedAt.length < behind.length ? lookedAt.at(-1)! : null;
    return {
      alerts: structuredClone(alerts),
      next: reached && JSON.stringify(reached),
      cursor: cursorAt(this.log.length),
      searched: { reached, complete: reached === null },
    };
  }
}

const ids = (alerts: readonly { alert_id: string }[]) => alerts.map(({ alert_id }) => alert_id);

describe('a list of alerts', () => {
  let fetching: ScriptedFetch;
  let server: Server;
  let stream: AlertStream;
  let store: AlertStore;
  let closers: (() => void)[];
  /** When a test sets it, the API's responses wait for it. */
  let hold: Promise<void> | undefined;
  beforeEach(() => {
    jest.useFakeTimers();
    begin();
  });
  afterEach(() => {
    end();
    jest.useRealTimers();
  });

  function begin(): void {
    fetching = new ScriptedFetch();
    server = new Server();
    hold = undefined;
    stream = new AlertStream({ token: aToken(), storage: null, sharing: false, fetch: fetching.fetch });
    const api = new AlertsApi('/api/v1', stream.credential, fetching.fetch);
    jest.spyOn(api, 'list').mockImplementation(async (search = {}) => {
      const page = server.page(search);
      await hold;
      return page;
    });
    jest.spyOn(api, 'alert').mockImplementation(async (alertId) => structuredClone(server.alerts.get(alertId)!));
    store = new AlertStore(api, stream);
    closers = [store.attach(), () => stream.close()];
    stream.open();
  }

  function end(): void {
    for (const close of closers) close();
  }

  const settle = () => jest.advanceTimersByTimeAsync(1_000);
  const tell = (entry: Entry) => fetching.last.say('notification', entry, cursorAt(entry.seq));

  async function live(): Promise<void> {
    await jest.advanceTimersByTimeAsync(0);
    fetching.last.say('connection', connection(), cursorAt(server.log.length));
    await settle();
  }

  async function shown(search: AlertSearch = {}) {
    const list = store.list(search);
    closers.push(list.subscribe(() => undefined));
    await settle();
    return list;
  }

  it('is loaded once, shows what the stream raises, and changes what it changes', async () => {
    server.append({});
    await live();
    const list = await shown();
    expect(store.api.list).toHaveBeenCalledTimes(1);
    tell(server.append({}));
    tell(server.append({ alert_id: 'alert-000001', change: 'acknowledged', status: 'acknowledged', actor: 'ben' }));
    await settle();
    expect(list.getSnapshot().alerts.map(({ alert_id, status, actor }) => [alert_id, status, actor])).toEqual([
      ['alert-000002', 'firing', null],
      ['alert-000001', 'acknowledged', 'ben'],
    ]);
  });

  it('keeps the objects of unchanged alerts, and makes one snapshot of changes that arrive together', async () => {
    for (let i = 0; i < 5; i += 1) server.append({});
    await live();
    const list = await shown();
    const before = list.getSnapshot();
    let pictures = 0;
    closers.push(list.subscribe(() => (pictures += 1)));
    for (let i = 0; i < 20; i += 1) tell(server.append({}));
    await settle();
    const after = list.getSnapshot();
    expect([after.alerts.length, pictures]).toEqual([25, 1]);
    expect(after.alerts.slice(20).every((alert, i) => alert === before.alerts[i])).toBe(true);
  });

  it('misses nothing that happens while its page is being loaded', async () => {
    await live();
    server.append({});
    let release!: () => void;
    hold = new Promise((resolve) => (release = resolve));
    const list = await shown();
    for (let i = 0; i < 3; i += 1) tell(server.append({}));
    tell(server.append({ alert_id: 'alert-000001', change: 'resolved', status: 'resolved' }));
    await settle();
    release();
    await settle();
    expect(list.getSnapshot().alerts).toEqual(server.page({}).alerts);
  });

  it('is not set back by an entry that its page contains already, nor by a repeated entry', async () => {
    await live();
    const raised = server.append({});
    const resolved = server.append({ alert_id: raised.alert_id, change: 'resolved', status: 'resolved' });
    const list = await shown();
    const statuses: string[] = [];
    closers.push(list.subscribe(() => statuses.push(list.getSnapshot().alerts[0]!.status)));
    for (const entry of [raised, resolved, raised]) {
      tell(entry);
      await settle();
      statuses.push(list.getSnapshot().alerts[0]!.status);
    }
    expect(new Set(statuses)).toEqual(new Set(['resolved']));
  });

  it.each(['window_exceeded', 'history_replaced'] as const)(
    'loads a watched alert again after a gap (%s), since no list may hold it',
    async (reason) => {
      server.append({});
      if (reason === 'history_replaced') server.append({ alert_id: 'alert-000001', change: 'repeated' });
      await live();
      closers.push(store.watch('alert-000001', () => undefined));
      await settle();
      expect(store.get('alert-000001')).toMatchObject({ status: 'firing' });
      // a log that was restored goes on at a smaller number
      if (reason === 'history_replaced') server.begin();
      server.append({ alert_id: 'alert-000001', change: 'resolved', status: 'resolved' });
      fetching.last.say('connection', connection('gap', { missed: 9_000, reason }), cursorAt(server.log.length));
      await settle();
      expect(store.get('alert-000001')).toMatchObject({ status: 'resolved', last_seq: server.log.length });
    },
  );

  it('asks once more for an alert whose answer was under way when the gap came', async () => {
    server.append({});
    server.append({ alert_id: 'alert-000001', change: 'repeated' });
    await live();
    closers.push(store.watch('alert-000001', () => undefined));
    await settle();
    let answer!: () => void;
    const late = new Promise<void>((resolve) => (answer = resolve));
    const before = structuredClone(server.alerts.get('alert-000001')!);
    jest.spyOn(store.api, 'alert').mockImplementationOnce(() => late.then(() => before));
    fetching.last.say('connection', connection('gap', { missed: null, reason: 'window_exceeded' }), cursorAt(2));
    await settle();
    server.begin();
    server.append({ alert_id: 'alert-000001', change: 'resolved', status: 'resolved' });
    fetching.last.say('connection', connection('gap', { missed: null, reason: 'history_replaced' }), cursorAt(1));
    await settle();
    answer();
    await settle();
    expect(store.get('alert-000001')).toMatchObject({ status: 'resolved', last_seq: 1 });
  });

  it('tells the watcher of an alert what a list has brought of it', async () => {
    server.append({});
    await live();
    let told = 0;
    closers.push(store.watch('alert-000001', () => (told += 1)));
    await settle();
    server.append({ alert_id: 'alert-000001', change: 'resolved', status: 'resolved' });
    const before = told;
    await shown();
    expect([told > before, store.get('alert-000001')!.status]).toEqual([true, 'resolved']);
  });

  it('shows an act at once, and rolls it back when it is refused, with the user who acted first', async () => {
    server.append({});
    await live();
    const list = await shown({ status: ['firing'] });
    const conflict = { ...server.page({}).alerts[0]!, status: 'resolved', actor: 'ben', last_seq: 2 };
    jest.spyOn(store.api, 'act').mockImplementation(async () => {
      expect(list.getSnapshot().alerts).toEqual([]);
      const { ApiProblem } = jest.requireActual<typeof import('./api-problem')>('./api-problem');
      throw new ApiProblem(409, 'alert_conflict', 'Ben resolved this 2 s ago.', {
        type: 'about:blank',
        title: '',
        status: 409,
        code: 'alert_conflict',
        alert: conflict,
      } as never);
    });
    const all = await shown();
    const { alerts, refused } = await store.act(['alert-000001'], { act: 'acknowledge' });
    expect(refused).toMatchObject([
      { alert_id: 'alert-000001', code: 'alert_conflict', detail: 'Ben resolved this 2 s ago.' },
    ]);
    expect(alerts).toEqual([conflict]);
    expect(all.getSnapshot().alerts).toEqual([conflict]);
    expect(list.getSnapshot().alerts).toEqual([]);
  });

  it('sends a second act on an alert after the first one has its answer', async () => {
    server.append({});
    await live();
    await shown();
    const sent: string[] = [];
    let answer!: () => void;
    const first = new Promise<void>((resolve) => (answer = resolve));
    jest.spyOn(store.api, 'act').mockImplementation(async (_, { act }) => {
      sent.push(act);
      if (act === 'unsnooze') await first;
      return server.page({}).alerts[0]!;
    });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const acts = [
      store.act(['alert-000001'], { act: 'unsnooze' }),
      store.act(['alert-000001'], { act: 'snooze', until }),
    ];
    expect(store.get('alert-000001')!.status).toBe('snoozed');
    await settle();
    expect(sent).toEqual(['unsnooze']);
    answer();
    await Promise.all(acts);
    expect(sent).toEqual(['unsnooze', 'snooze']);
  });

  it('shows an alert as it was when the act did not reach the server', async () => {
    server.append({});
    await live();
    const list = await shown();
    fetching.answers = [new TypeError('Failed to fetch')];
    const acting = store.act(['alert-000001'], { act: 'resolve' });
    expect(list.getSnapshot().alerts[0]).toMatchObject({ status: 'resolved', actor: 'ana' });
    expect((await acting).refused).toMatchObject([{ code: 'unreachable' }]);
    expect(list.getSnapshot().alerts).toEqual(server.page({}).alerts);
  });

  it('is updated when the page of another list knows a change before the stream tells it', async () => {
    const { alert_id } = server.append({});
    await live();
    const [all, firing] = [await shown(), await shown({ status: ['firing'] })];
    const acted = server.append({ alert_id, change: 'acknowledged', status: 'acknowledged', actor: 'ben' });
    await all.load();
    tell(acted);
    await settle();
    expect(all.getSnapshot().alerts).toMatchObject([{ status: 'acknowledged' }]);
    expect(firing.getSnapshot().alerts).toEqual([]);
  });

  it('knows what became of an alert that has left its list, for the row that is still shown', async () => {
    const { alert_id } = server.append({});
    await live();
    const open = await shown({ status: ['firing'] });
    expect(store.lastKnown(alert_id)).toEqual(store.get(alert_id));
    tell(server.append({ alert_id, change: 'snoozed', status: 'snoozed', snoozed_until: '2026-01-02T03:04:05.678Z' }));
    await settle();
    expect(open.getSnapshot().alerts).toEqual([]);
    expect(store.lastKnown(alert_id)).toMatchObject({ status: 'snoozed', snoozed_until: '2026-01-02T03:04:05.678Z' });

    tell(server.append({ alert_id, change: 'resolved', status: 'resolved', actor: 'ben' }));
    await settle();
    expect(store.lastKnown(alert_id)).toMatchObject({ status: 'resolved', actor: 'ben' });
    expect(store.lastKnown('alert-unheard')).toBeUndefined();
  });

  it('finds out who acted on an alert that an entry brought, though the response was lost or out of date', async () => {
    const { alert_id } = server.append({});
    server.append({ alert_id, change: 'acknowledged', status: 'acknowledged', actor: 'ben' });
    await live();
    const urgent = await shown({ severity: ['urgent'] });
    jest.spyOn(store.api, 'alert').mockRejectedValueOnce(new Error('lost'));
    tell(server.append({ alert_id, change: 'severity_raised', severity: 'urgent' }));
    await settle();
    expect(urgent.getSnapshot().alerts).toMatchObject([{ severity: 'urgent', actor: null }]);

    const old = structuredClone(server.alerts.get(alert_id)!);
    jest.spyOn(store.api, 'alert').mockImplementationOnce(async () => {
      tell(server.append({ alert_id, change: 'repeated' }));
      await settle();
      return old;
    });
    fetching.last.say('connection', connection('resumed'), cursorAt(3));
    await settle();
    await settle();
    expect(urgent.getSnapshot().alerts).toMatchObject([{ severity: 'urgent', actor: 'ben', last_seq: 4 }]);
  });

  it('asks for an alert of which two entries at once tell no more than that it belongs in the list', async () => {
    for (const severity of ['urgent', 'low'] as const) server.append({ severity });
    await live();
    const list = await shown({ order: 'severity', limit: 1 });
    for (const severity of ['medium', 'urgent'] as const)
      tell(server.append({ alert_id: 'alert-000002', change: 'severity_raised', severity }));
    await settle();
    expect(list.getSnapshot().alerts).toEqual([server.alerts.get('alert-000002'), server.alerts.get('alert-000001')]);
    expect(store.api.alert).toHaveBeenCalledTimes(1);
  });

  it('keeps who resolved an alert, and when, where its producer says the same later', async () => {
    const { alert_id } = server.append({});
    await live();
    const list = await shown();
    const acted = server.append({ alert_id, change: 'resolved', status: 'resolved', actor: 'ben' });
    tell(acted);
    tell(server.append({ alert_id, change: 'resolved', status: 'resolved' }));
    await settle();
    expect(list.getSnapshot().alerts).toMatchObject([
      { status: 'resolved', actor: 'ben', acted_at: acted.received_at, last_seq: 3 },
    ]);
  });

  it('says why it could not be loaded, keeps what it has, and tries again when the stream is back', async () => {
    server.append({});
    jest
      .spyOn(store.api, 'list')
      .mockRejectedValueOnce(Object.assign(new Error('away'), { code: 'store_unavailable' }));
    fetching.answers = [problem(503, 'store_unavailable')];
    const list = await shown();
    await settle();
    expect(list.getSnapshot()).toMatchObject({ alerts: [], loading: false, error: { code: 'store_unavailable' } });
    while (fetching.streams.length === 0) await settle();
    fetching.last.say('connection', connection(), cursorAt(1));
    await settle();
    expect(list.getSnapshot()).toMatchObject({ error: null, alerts: [{ alert_id: 'alert-000001' }] });
  });

  it('does not go on with a rare search by itself, goes on when asked to, and is reloaded as far as it was loaded', async () => {
    for (let i = 0; i < 9; i += 1) server.append({ service: i === 1 ? 'rare' : 'inventory' });
    server.bound = 2;
    await live();
    const list = await shown({ service: ['rare'] });
    expect(store.api.list).toHaveBeenCalledTimes(1);
    expect(list.getSnapshot()).toMatchObject({
      alerts: [],
      hasMore: true,
      endedEarly: true,
      searched: { reached: { alert_id: 'alert-000008' }, complete: false },
    });
    for (let page = 0; page < 3; page += 1) await list.loadMore();
    const found = {
      alerts: [{ alert_id: 'alert-000002' }],
      hasMore: true,
      endedEarly: true,
      searched: { reached: { alert_id: 'alert-000002' } },
    };
    expect(list.getSnapshot()).toMatchObject(found);
    // an alert that begins to match beyond the searched part waits for its page
    tell(server.append({ alert_id: 'alert-000001', service: 'rare' }));
    await settle();
    expect(list.getSnapshot()).toMatchObject(found);
    await list.load();
    expect(store.api.list).toHaveBeenCalledTimes(8);
    expect(list.getSnapshot()).toMatchObject(found);
    await list.loadMore();
    expect(list.getSnapshot()).toMatchObject({
      alerts: [{ alert_id: 'alert-000002' }, { alert_id: 'alert-000001' }],
      hasMore: false,
      endedEarly: false,
      searched: { complete: true },
    });
    await list.load();
    expect(list.getSnapshot().alerts).toHaveLength(2);
  });

  it.each(['before', 'during'] as const)(
    'gets the next page that was asked for %s the list was loaded again, after that',
    async (when) => {
      for (let i = 0; i < 120; i += 1) server.append({});
      await live();
      const list = await shown();
      let release!: () => void;
      hold = new Promise((resolve) => (release = resolve));
      if (when === 'before') void list.loadMore();
      void store.reloadAll();
      if (when === 'during') void list.loadMore();
      expect(list.getSnapshot()).toMatchObject({ loading: true, loadingMore: true });
      // asked for again and again, it is one page
      for (let click = 0; click < 3; click += 1) void list.loadMore();
      hold = undefined;
      release();
      await settle();
      expect(list.getSnapshot()).toMatchObject({ loading: false, loadingMore: false, hasMore: true });
      expect(list.getSnapshot().alerts).toHaveLength(100);
    },
  );

  it('asks for no page after a load that failed, and says why it failed', async () => {
    for (let i = 0; i < 120; i += 1) server.append({});
    await live();
    const list = await shown();
    const failing = jest.spyOn(store.api, 'list').mockRejectedValueOnce(new Error('away'));
    const asked = failing.mock.calls.length;
    void store.reloadAll();
    void list.loadMore();
    await settle();
    expect(list.getSnapshot()).toMatchObject({ loading: false, loadingMore: false, error: { message: 'away' } });
    expect(failing).toHaveBeenCalledTimes(asked + 1);
  });

  it('says that a reload failed which began and ended while its next page was loaded', async () => {
    for (let i = 0; i < 120; i += 1) server.append({});
    await live();
    const list = await shown();
    let release!: () => void;
    hold = new Promise((resolve) => (release = resolve));
    void list.loadMore();
    await settle();
    jest.spyOn(store.api, 'list').mockRejectedValueOnce(new Error('away'));
    void store.reloadAll();
    await settle();
    release();
    await settle();
    expect(list.getSnapshot()).toMatchObject({ loading: false, loadingMore: false, error: { message: 'away' } });
    expect(list.getSnapshot().alerts).toHaveLength(50);
  });

  it('is loaded again before its next page when its last load has failed, because it lacks what was missed', async () => {
    for (let i = 0; i < 120; i += 1) server.append({});
    await live();
    const list = await shown();
    server.append({ title: 'missed' });
    jest.spyOn(store.api, 'list').mockRejectedValueOnce(new Error('away'));
    await store.reloadAll();
    await list.loadMore();
    const { alerts, error } = list.getSnapshot();
    expect([alerts[0]!.title, alerts.length, error]).toEqual(['missed', 100, null]);
  });

  it('removes the alerts of a tenant that the user may no longer see', async () => {
    server.append({});
    server.append({ tenant_id: 'cafe' });
    await jest.advanceTimersByTimeAsync(0);
    const both = connection();
    both.tenants.push({ ...both.tenants[0]!, tenant_id: 'cafe' });
    fetching.last.say('connection', both, 'bakery=e1-1-abcdefgh;cafe=e2-1-abcdefgh');
    const list = await shown();
    expect(list.getSnapshot().alerts).toHaveLength(2);
    fetching.last.say('connection', connection('resumed'), cursorAt(1));
    await settle();
    expect(list.getSnapshot().alerts.map(({ tenant_id }) => tenant_id)).toEqual(['bakery']);
  });

  const severity = fc.constantFrom('urgent' as const, 'high' as const, 'medium' as const, 'low' as const);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('raise' as const), severity, service: fc.constantFrom('inventory', 'orders') }),
    fc.record({
      kind: fc.constant('change' as const),
      which: fc.nat(),
      to: fc.constantFrom('acknowledged' as const, 'resolved' as const, 'firing' as const),
      by: fc.constantFrom('ana', 'ben', null),
    }),
    fc.record({
      kind: fc.constant('repeat' as const),
      which: fc.nat(),
      change: fc.constantFrom('repeated' as const, 'stale' as const),
    }),
    fc.record({ kind: fc.constant('severity' as const), which: fc.nat(), severity }),
    fc.constant({ kind: 'more' as const }),
    fc.constant({ kind: 'reload' as const }),
    fc.constant({ kind: 'break' as const }),
  );
  const search = fc.record(
    {
      status: fc.constantFrom<AlertStatus[] | undefined>(['firing'], ['firing', 'acknowledged'], undefined),
      order: fc.constantFrom('newest' as const, 'severity' as const, 'oldest' as const),
      limit: fc.integer({ min: 1, max: 6 }),
    },
    { requiredKeys: ['limit'] },
  );

  it('is what the server would return, as far down as it was loaded, after any events in any order', async () => {
    await fc.assert(
      fc.asyncProperty(
        search,
        fc.constantFrom(1, 3, Infinity),
        fc.array(step, { maxLength: 40 }),
        async (wanted, bound, steps) => {
          end();
          begin();
          server.bound = bound;
          for (let i = 0; i < 8; i += 1) server.append({ severity: (['low', 'high', 'urgent'] as const)[i % 3] });
          await live();
          const list = await shown(wanted);
          for (const one of steps) {
            const known = [...server.alerts.keys()];
            const alert_id = 'which' in one ? known[one.which % known.length]! : undefined;
            if (one.kind === 'raise') tell(server.append({ severity: one.severity, service: one.service }));
            if (one.kind === 'change')
              tell(
                server.append({
                  alert_id,
                  status: one.to,
                  change: one.to === 'firing' ? 'reopened' : one.to,
                  actor: one.by,
                }),
              );
            if (one.kind === 'repeat')
              tell(
                server.append({
                  alert_id,
                  change: one.change,
                  title: one.change === 'stale' ? 'late' : server.alerts.get(alert_id!)!.title,
                }),
              );
            if (one.kind === 'severity')
              tell(server.append({ alert_id, change: 'severity_raised', severity: one.severity }));
            if (one.kind === 'more') await list.loadMore();
            if (one.kind === 'reload') await list.load();
            if (one.kind === 'break') {
              const cursor = stream.cursor!;
              const asked = fetching.streams.length;
              fetching.last.break();
              while (fetching.streams.length === asked) await settle();
              fetching.last.say('connection', connection('resumed'), cursor);
              for (const entry of server.log) fetching.last.say('notification', entry, cursorAt(entry.seq));
            }
          }
          await settle();
          const { alerts, hasMore } = list.getSnapshot();
          server.bound = Infinity;
          const all = server.page({ ...wanted, limit: 1_000 }).alerts;
          const loaded = hasMore ? all.slice(0, alerts.length) : all;
          expect(ids(alerts)).toEqual(ids(loaded));
          expect(alerts).toEqual(loaded);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);
});
