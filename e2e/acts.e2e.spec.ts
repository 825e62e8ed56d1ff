import { ACT_RULES, type Act, type Alert, type Entry } from '@tocsin/contracts';
import { eventually } from '@tocsin/contracts/testing';
import { BuiltCopy } from './faults/built-copy';
import { ask, type Answer } from './kit/http';
import { violationsOf, type Published } from './kit/ledger';
import type { AppProcess } from './kit/processes';
import type { Frame, SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { JWT_SECRET, tokenFor } from './kit/tokens';

const ALERTS = 250;
/** Together they bring each alert back to its first state. */
const ROUNDS: readonly Act[] = ['acknowledge', 'unacknowledge', 'resolve', 'reopen'];
/** How many pairs of users race at the same time. */
const AT_ONCE = 20;

describe('what people do with alerts', () => {
  let stack: Stack;
  let build: BuiltCopy;
  /** Ana uses the first gateway, Bob the second. */
  let ana: SseStream;
  let bob: SseStream;
  const published: Published[] = [];
  let clock = Date.UTC(2026, 0, 1);

  beforeAll(async () => {
    stack = await Stack.open({
      tenants: { ana: ['bakery'], bob: ['bakery'], vic: [{ id: 'bakery', role: 'viewer' }], eve: ['cafe'] },
      gateways: 2,
      processorEnvironment: { FOLD_WINDOW: '1' },
    });
    build = new BuiltCopy();
    [ana, bob] = await Promise.all([stack.watch('ana'), stack.watch('bob', { gateway: stack.gateways[1]! })]);
  }, 120_000);
  afterAll(async () => {
    for (const stream of [ana, bob]) stream?.close();
    await stack?.close();
    build?.remove();
  }, 60_000);

  const publish = (dedup_key: string, more: object = {}): Promise<void> => {
    const id = `m${published.length}`;
    published.push({ tenant_id: 'bakery', service: 'inventory', id, confirmed: true });
    const occurred_at = new Date((clock += 1_000)).toISOString();
    return stack.amqp.publish('alert.low.inventory', {
      id,
      tenant_id: 'bakery',
      title: dedup_key,
      dedup_key,
      occurred_at,
      ...more,
    });
  };
  /** Raises alerts and resolves to their ids, once both screens show them. */
  const raise = async (...keys: string[]): Promise<string[]> => {
    await Promise.all(keys.map((key) => publish(key)));
    return eventually(() => {
      const shown = [ana, bob].map(
        (stream) => new Map(entriesOf(stream).map(({ dedup_key, alert_id }) => [dedup_key, alert_id])),
      );
      for (const alerts of shown) expect(keys.filter((key) => !alerts.has(key))).toEqual([]);
      return keys.map((key) => shown[0]!.get(key)!);
    });
  };
  const call = (
    user: string,
    path: string,
    body: object,
    gateway: AppProcess = stack.gateways[user === 'bob' ? 1 : 0]!,
  ): Promise<Answer> =>
    ask(gateway.url, `/api/v1/${path}`, {
      method: path === 'me/cursor' ? 'PUT' : 'PATCH',
      headers: {
        Authorization: `Bearer ${tokenFor(user, { scope: 'alerts:read alerts:write' })}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify(body),
    });
  const act = (user: string, alertId: string, body: { act: Act; [field: string]: unknown }, gateway?: AppProcess) =>
    call(user, `alerts/${alertId}`, body, gateway);
  const alertsInStore = () =>
    stack.sql<Pick<Alert, 'alert_id' | 'status' | 'severity' | 'assignee' | 'occurrences'>>(
      'select alert_id, status, severity, assignee, occurrences from tocsin.alert',
    );
  /** Both streams have reached the end of the event log, and both screens agree with the store. */
  const bothScreensRight = async () => {
    const rows = await stack.rows();
    await eventually(() => {
      for (const stream of [ana, bob]) expect(entriesOf(stream).at(-1)!.seq).toBe(rows.at(-1)!.seq);
    }, 20_000);
    const stored = new Map((await alertsInStore()).map((alert) => [alert.alert_id, alert]));
    for (const stream of [ana, bob]) {
      const shown = [...screenOf(stream).values()].map(({ alert_id, status, severity, assignee, occurrences }) => ({
        alert_id,
        status,
        severity,
        assignee,
        occurrences,
      }));
      expect(shown).toHaveLength(stored.size);
      for (const alert of shown) expect(alert).toEqual(stored.get(alert.alert_id));
    }
    const transcripts = [['ana', ana] as const, ['bob', bob] as const].map(([client, { frames }]) => ({
      client,
      tenants: ['bakery'],
      frames,
      connectedAtTheEnd: true,
    }));
    expect(
      violationsOf({ published, rows, transcripts, logs: [stack.processes.output], secrets: [JWT_SECRET] }),
    ).toEqual([]);
  };

  it(`has one winner and a clear 409 each of ${ALERTS * ROUNDS.length} times that two users do the same at once, and both screens are right`, async () => {
    const ids = await raise(...Array.from({ length: ALERTS }, (_, at) => `alert ${at}`));
    const wins = { ana: 0, bob: 0 };
    const race = async (alertId: string, doing: Act) => {
      const answers = await Promise.all([act('ana', alertId, { act: doing }), act('bob', alertId, { act: doing })]);
      const winner = answers[0].status === 200 ? 'ana' : 'bob';
      const [won, lost] = winner === 'ana' ? answers : [answers[1], answers[0]];
      const { to } = ACT_RULES[doing];
      expect(won).toMatchObject({ status: 200, json: { alert_id: alertId, status: to, actor: winner } });
      expect(lost).toMatchObject({ status: 409, json: { code: 'alert_conflict', alert: won.json } });
      expect(lost.json.detail).toContain(
        `${winner} ${to === 'firing' ? 'set this firing again' : `${to} this`} at ${String(won.json.acted_at)}`,
      );
      wins[winner] += 1;
    };
    const waiting = [...ids];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let id = waiting.pop(); id; id = waiting.pop()) for (const doing of ROUNDS) await race(id, doing);
      }),
    );
    expect(wins.ana + wins.bob).toBe(ALERTS * ROUNDS.length);
    expect(Math.min(wins.ana, wins.bob)).toBeGreaterThan(0);
    await bothScreensRight();
    const acts = entriesOf(ana).filter(({ actor }) => actor !== null);
    expect(acts).toHaveLength(ALERTS * ROUNDS.length);
    expect(new Set(ana.entries.filter(({ data }) => data.includes('"actor":"')).map(({ event }) => event))).toEqual(
      new Set(['alert_update']),
    );
  }, 120_000);

  it('never refuses one to an alert that flaps: repeats and severities as fast as they come', async () => {
    const [id] = (await raise('flapping')) as [string];
    let flapping = true;
    const flap = (async () => {
      const severities = ['low', 'low', 'urgent', 'high', 'high'];
      for (let at = 0; flapping; at += 1) {
        const burst = Array.from({ length: 10 }, (_, next) =>
          publish('flapping', { severity: severities[(at + next) % 5] }),
        );
        await Promise.all(burst);
      }
    })();
    const statuses: number[] = [];
    for (let round = 0; round < 25; round += 1)
      for (const doing of ['acknowledge', 'unacknowledge'] as const)
        statuses.push((await act('ana', id, { act: doing })).status);
    flapping = false;
    await flap;
    expect(statuses).toEqual(Array<number>(50).fill(200));

    // stored = entries of messages + repeats that these report + repeats that are not reported yet
    await eventually(async () => {
      const [counted] = await stack.sql<{ messages: number; untold: number }>(
        `select (select count(*)::int from tocsin.idempotency) as messages, (select sum(folded)::int from tocsin.alert) as untold`,
      );
      expect(counted).toEqual({ messages: published.length, untold: 0 });
    }, 30_000);
    const [told] = await stack.sql<{ entries: number; folded: number }>(
      `select count(*) filter (where actor is null)::int as entries, sum(folded)::int as folded from tocsin.event`,
    );
    expect(told!.entries + told!.folded).toBe(published.length);
    await eventually(async () => expect(entriesOf(bob).at(-1)!.seq).toBe((await stack.rows()).at(-1)!.seq));
    expect(screenOf(bob).get(id)).toMatchObject({
      status: 'firing',
      occurrences: (await alertsInStore()).find(({ alert_id }) => alert_id === id)!.occurrences,
    });
  }, 120_000);

  it('is for those whose role allows it, for their own tenants, and undone by its inverse; many alerts at once have an outcome each', async () => {
    const [one, two] = (await raise('one', 'two')) as [string, string];
    expect(await act('vic', one, { act: 'resolve' })).toMatchObject({ status: 403, json: { code: 'role_forbidden' } });
    expect(await act('eve', one, { act: 'resolve' })).toMatchObject({ status: 404, json: { code: 'not_found' } });
    const until = new Date(Date.now() + 600_000).toISOString();
    const steps: [string, { act: Act; [field: string]: unknown }, object][] = [
      ['ana', { act: 'assign', assignee: 'me', from_assignee: null, note: 'mine' }, { assignee: 'ana' }],
      ['bob', { act: 'assign', assignee: null, from_assignee: 'ana' }, { assignee: null }],
      ['ana', { act: 'acknowledge' }, { status: 'acknowledged', actor: 'ana', assignee: 'ana' }],
      ['ana', { act: 'acknowledge' }, { status: 'acknowledged', actor: 'ana', assignee: 'ana' }],
      ['bob', { act: 'unacknowledge' }, { status: 'firing', actor: 'bob', assignee: null }],
      ['bob', { act: 'snooze', until }, { status: 'snoozed', snoozed_until: until }],
      ['ana', { act: 'unsnooze' }, { status: 'firing', snoozed_until: null }],
      ['ana', { act: 'resolve' }, { status: 'resolved' }],
      ['bob', { act: 'reopen' }, { status: 'firing' }],
      ['bob', { act: 'note', note: 'all is well' }, { status: 'firing', actor: 'bob' }],
    ];
    for (const [user, doing, alert] of steps)
      expect(await act(user, one, doing)).toMatchObject({ status: 200, json: { alert_id: one, ...alert } });
    const bulk = await call('ana', 'alerts', {
      act: 'acknowledge',
      alert_ids: [two, '00000000-0000-7000-8000-000000000000', one],
    });
    expect(bulk).toMatchObject({
      status: 200,
      json: { alerts: [{ alert_id: two }, { alert_id: one }], refused: [{ code: 'not_found' }] },
    });

    const changes = [
      'assigned',
      'assigned',
      'acknowledged',
      'unacknowledged',
      'snoozed',
      'unsnoozed',
      'resolved',
      'reopened',
      'noted',
      'acknowledged',
    ];
    const acts = await eventually(() => {
      const frames = bob.entries.filter(({ data }) => data.includes(one) && !data.includes('"actor":null'));
      expect(frames.map(({ data }) => (JSON.parse(data) as Entry).change)).toEqual(changes);
      return frames.map(({ data }) => data);
    });
    expect(acts.map((data) => (JSON.parse(data) as Entry).note)).toEqual(
      changes.map((change, at) => (at === 0 ? 'mine' : change === 'noted' ? 'all is well' : null)),
    );

    // and replay sends the same entries again, byte by byte; Bob's laptop knows what he has seen on his phone
    const again = await stack.watch('bob', { query: { since: '50' } });
    await eventually(() =>
      expect(again.entries.map(({ data }) => data).filter((data) => acts.includes(data))).toEqual(acts),
    );
    const { tenants } = (await call('bob', 'me/cursor', { cursor: again.cursor })).json as {
      tenants: { seq: number }[];
    };
    const laptop = await ask(stack.gateway.url, '/api/v1/me/cursor', {
      headers: { Authorization: `Bearer ${tokenFor('bob')}` },
    });
    expect([tenants.map(({ seq }) => seq), laptop.json]).toEqual([
      [(JSON.parse(again.entries.at(-1)!.data) as Entry).seq],
      { tenants },
    ]);
    again.close();
  });

  it('reaches every screen within 3 s when the gateway is gone between the commit and the hint, and may be done again', async () => {
    const [id] = (await raise('lost')) as [string];
    const doomed = await stack.startGateway({}, build.programWith('gateway', 'publish.before=crash@1'));
    const answer = act('ana', id, { act: 'acknowledge', note: 'on it' }, doomed).then(
      ({ status }) => status,
      () => 'lost',
    );
    await doomed.exit;
    const goneAt = performance.now();
    expect(await answer).toBe('lost');
    await doomed.kill(); // the end of this process is intended
    for (const stream of [ana, bob])
      expect(
        (await stream.frame(({ data }) => data.includes(id) && data.includes('"change":"acknowledged"'))).receivedAt -
          goneAt,
      ).toBeLessThan(3_000);
    expect(await act('ana', id, { act: 'acknowledge', note: 'on it' })).toMatchObject({
      status: 200,
      json: { status: 'acknowledged', actor: 'ana' },
    });
    expect(await stack.sql('select change from tocsin.event where alert_id = $1 order by seq', [id])).toEqual([
      { change: 'raised' },
      { change: 'acknowledged' },
    ]);
  });

  it('ends by time where it is a snooze, which rings; also when the processor is gone between the commit and the hint', async () => {
    const [first, second] = (await raise('first', 'second')) as [string, string];
    const snooze = async (id: string) => {
      const until = new Date(Date.now() + 1_000).toISOString();
      expect(await act('ana', id, { act: 'snooze', until })).toMatchObject({ status: 200 });
      return Date.parse(until);
    };
    const woken = (id: string) => bob.frame(({ data }) => data.includes(id) && data.includes('"change":"unsnoozed"'));
    const until = await snooze(first);
    const frame = await woken(first);
    const entry = JSON.parse(frame.data) as Entry;
    expect(frame.event).toBe('inventory_alert');
    expect(entry).toMatchObject({
      status: 'firing',
      previous: { status: 'snoozed' },
      actor: null,
      snoozed_until: null,
    });
    expect(Date.parse(entry.received_at) - until).toBeGreaterThanOrEqual(0);
    expect(Date.parse(entry.received_at) - until).toBeLessThan(3_000);

    await stack.processors[0]!.stop();
    const doomed = await stack.startProcessor({}, build.programWith('alert-processor', 'publish.before=crash@1'));
    await snooze(second);
    await doomed.exit;
    const goneAt = performance.now();
    await doomed.kill(); // the end of this process is intended
    expect((await woken(second)).receivedAt - goneAt).toBeLessThan(3_000);
    await stack.startProcessor();
    expect(await stack.sql('select change from tocsin.event where alert_id = $1 order by seq', [second])).toEqual([
      { change: 'raised' },
      { change: 'snoozed' },
      { change: 'unsnoozed' },
    ]);
  }, 120_000);
});

const read = new WeakMap<Frame, Entry>();

/** The entries of a stream, each parsed once. */
const entriesOf = (stream: SseStream): Entry[] =>
  stream.entries.map((frame) => {
    const entry = read.get(frame) ?? (JSON.parse(frame.data) as Entry);
    read.set(frame, entry);
    return entry;
  });

/** The state that a screen shows: the last entry of each alert. */
const screenOf = (stream: SseStream): Map<string, Entry> =>
  new Map(entriesOf(stream).map((entry) => [entry.alert_id, entry]));
