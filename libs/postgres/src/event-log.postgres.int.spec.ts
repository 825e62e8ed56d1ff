import { Unavailable, type PlannedEvent, type TenantId } from '@tocsin/contracts';
import { aPlannedEvent, aTenant, describeEventLog, eventually, FOLDS } from '@tocsin/contracts/testing';
import { Client } from 'pg';
import { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';

describeEventLog('PostgreSQL', {
  async open() {
    const fresh = await freshDatabase();
    const [processor, gateway] = (['tocsin_processor', 'tocsin_gateway'] as const).map((role) => fresh.open(role));
    return {
      log: new PostgresEventLog(processor!),
      folding: new PostgresEventLog(processor!, FOLDS),
      reader: new PostgresEventLog(gateway!),
      async close() {
        await Promise.all([processor!.close(), gateway!.close()]);
        await fresh.drop();
      },
    };
  },
});

describe('the event log in PostgreSQL', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let log: PostgresEventLog;
  beforeAll(async () => {
    fresh = await freshDatabase();
    database = new Database({
      connection: { url: fresh.url },
      role: 'tocsin_processor',
      poolSize: 8,
      connectTimeoutMs: 10_000,
    });
    log = new PostgresEventLog(database);
  }, 60_000);
  afterAll(async () => {
    await database?.close();
    await fresh?.drop();
  });
  /** At any time, the stored messages are `entries` + `told` + `untold`. */
  const counts = async (tenants: string[]) => {
    const [counted] = await rows(
      `select (select count(*)::int from tocsin.event where tenant_id = any ($1)) as entries,
              (select coalesce(sum(folded), 0)::int from tocsin.event where tenant_id = any ($1)) as told,
              (select coalesce(sum(folded), 0)::int from tocsin.alert where tenant_id = any ($1)) as untold,
              (select sum(occurrences)::int from tocsin.alert where tenant_id = any ($1)) as occurrences,
              (select count(*)::int from tocsin.folded_repeat where tenant_id = any ($1)) as waiting,
              (select count(seq)::int from tocsin.idempotency where tenant_id = any ($1)) as numbered,
              (select count(*)::int - count(seq)::int from tocsin.idempotency where tenant_id = any ($1)) as unnumbered`,
      tenants,
    );
    return counted as Record<
      'entries' | 'told' | 'untold' | 'occurrences' | 'waiting' | 'numbered' | 'unnumbered',
      number
    >;
  };
  const rows = (sql: string, ...values: unknown[]) => asOwner<Record<string, unknown>>({ url: fresh.url }, sql, values);

  it('plans deliveries for an entry that rings, and for no other', async () => {
    const tenant_id = aTenant();
    const deliveries = [
      { channel: 'email', recipient: 'a@example.com' },
      { channel: 'sms', recipient: 'default' },
      { channel: 'email', recipient: 'a@example.com' },
    ] as const;
    const said = [
      ['firing', 'low'],
      ['firing', 'low'],
      ['firing', 'high'],
      ['firing', 'low'],
      ['resolved', 'low'],
      ['firing', 'low'],
    ] as const;
    const planned = said.map(([status, severity], minute) =>
      aPlannedEvent(
        { tenant_id, dedup_key: 'k', status, severity, occurred_at: `2026-01-01T00:0${minute}:00.000Z` },
        { deliveries },
      ),
    );
    await log.append(planned);
    await log.append(planned);
    const stored = await rows(
      'select seq::int, step, channel, recipient, status from tocsin.delivery where tenant_id = $1 order by seq, channel',
      tenant_id,
    );
    expect(stored).toEqual(
      [1, 3, 6].flatMap((seq) => [
        { seq, step: 0, channel: 'email', recipient: 'a@example.com', status: 'pending' },
        { seq, step: 0, channel: 'sms', recipient: 'default', status: 'pending' },
      ]),
    );
  });

  describe('with FOLD_AFTER=0', () => {
    const repeats = (tenant_id: TenantId, count: number) =>
      Array.from({ length: count }, () => aPlannedEvent({ tenant_id, dedup_key: 'flood' }));
    const outcomes = async (of: PostgresEventLog, planned: PlannedEvent[]) =>
      (await of.append(planned)).map((result) =>
        result.outcome === 'stored'
          ? `${result.event.entry.change}, ${result.event.entry.folded} folded`
          : result.outcome,
      );
    const changes = async (tenant_id: TenantId) =>
      (await rows('select change, folded from tocsin.event where tenant_id = $1 order by seq', tenant_id)).map(
        ({ change, folded }) => `${change as string}, ${folded as number} folded`,
      );
    const holds = async (tenant_id: TenantId) => {
      const { entries, told, untold, occurrences } = await counts([tenant_id]);
      expect(entries + told + untold).toBe(occurrences);
    };

    it('no repeat gets an entry of its own, and one entry at the end of the window tells of all', async () => {
      const tenant_id = aTenant();
      const folding = new PostgresEventLog(database, { after: 0, windowMs: 1_000 });
      expect(await outcomes(folding, repeats(tenant_id, 4))).toEqual([
        'raised, 0 folded',
        'folded',
        'folded',
        'folded',
      ]);
      await eventually(async () =>
        expect((await folding.appendFolded()).filter((one) => one.tenant_id === tenant_id)).toHaveLength(1),
      );
      expect(await changes(tenant_id)).toEqual(['raised, 0 folded', 'repeated, 2 folded']);
      expect(await outcomes(folding, repeats(tenant_id, 2))).toEqual(['folded', 'folded']);
      await holds(tenant_id);
    });

    it('a flood without a pause gets one entry a window, whenever due entries are looked for', async () => {
      const tenant_id = aTenant();
      const folding = new PostgresEventLog(database, { after: 0, windowMs: 300 });
      const windowOver = () =>
        eventually(async () => {
          const [alert] = await rows(
            'select window_ends_at < clock_timestamp() as over from tocsin.alert where tenant_id = $1',
            tenant_id,
          );
          expect(alert!.over).toBe(true);
        });
      await folding.append(repeats(tenant_id, 3));
      await windowOver();
      expect(await outcomes(folding, repeats(tenant_id, 3))).toEqual(['repeated, 2 folded', 'folded', 'folded']);
      await windowOver();
      expect(await outcomes(folding, repeats(tenant_id, 1))).toEqual(['repeated, 2 folded']);
      await holds(tenant_id);
    });

    it.each([0, 3])('and FOLD_WINDOW=0 every repeat gets an entry, as with FOLD_AFTER=%s', async (after) => {
      const tenant_id = aTenant();
      expect(await outcomes(new PostgresEventLog(database, { after, windowMs: 0 }), repeats(tenant_id, 5))).toEqual([
        'raised, 0 folded',
        ...Array<string>(4).fill('repeated, 0 folded'),
      ]);
      await holds(tenant_id);
    });
  });

  it('keeps one row an alert: its state from the last message, its words from the last that was not stale', async () => {
    const tenant_id = aTenant();
    const at = (minute: number) => `2026-01-01T00:0${minute}:00.000Z`;
    await log.append([
      aPlannedEvent({ tenant_id, dedup_key: 'k', title: 'first', severity: 'low', occurred_at: at(1) }),
      aPlannedEvent({ tenant_id, dedup_key: 'k', title: 'second', severity: 'high', occurred_at: at(5) }),
      aPlannedEvent({ tenant_id, dedup_key: 'k', title: 'late', status: 'resolved', occurred_at: at(3) }),
    ]);
    const state =
      'select title, status, severity, occurrences, first_seq::int, described_seq::int, last_seq::int, state_at from tocsin.alert where tenant_id = $1';
    expect(await rows(state, tenant_id)).toEqual([
      {
        title: 'second',
        status: 'firing',
        severity: 'high',
        occurrences: 3,
        first_seq: 1,
        described_seq: 2,
        last_seq: 3,
        state_at: new Date(at(5)),
      },
    ]);
    await log.append([
      aPlannedEvent({ tenant_id, dedup_key: 'k', title: 'later still', status: 'resolved', occurred_at: at(2) }),
    ]);
    expect(await rows(state, tenant_id)).toEqual([
      {
        title: 'second',
        status: 'firing',
        severity: 'high',
        occurrences: 4,
        first_seq: 1,
        described_seq: 2,
        last_seq: 4,
        state_at: new Date(at(5)),
      },
    ]);
    await log.append([
      aPlannedEvent({
        tenant_id,
        dedup_key: 'k',
        title: 'over',
        status: 'resolved',
        severity: 'low',
        occurred_at: at(6),
      }),
    ]);
    expect(await rows(state, tenant_id)).toEqual([
      {
        title: 'over',
        status: 'resolved',
        severity: 'high',
        occurrences: 5,
        first_seq: 1,
        described_seq: 5,
        last_seq: 5,
        state_at: new Date(at(6)),
      },
    ]);
  });

  it('keeps what a user did to an alert when it repeats, and forgets a snooze when it is over', async () => {
    const tenant_id = aTenant();
    const say = async (minute: number, status: 'firing' | 'resolved' = 'firing') => {
      const [result] = await log.append([
        aPlannedEvent({ tenant_id, dedup_key: 'k', status, occurred_at: `2026-01-01T00:0${minute}:00.000Z` }),
      ]);
      return result!.outcome === 'stored' ? result!.event.entry : undefined;
    };
    await say(1);
    await rows(
      `update tocsin.alert set status = 'snoozed', assignee = 'ada', snoozed_until = '2026-01-02T00:00:00Z', actor = 'bob', acted_at = now() where tenant_id = $1`,
      tenant_id,
    );
    const actor = async () =>
      (await rows('select actor, acted_at is null as never from tocsin.alert where tenant_id = $1', tenant_id))[0];
    expect(await say(2)).toMatchObject({
      change: 'repeated',
      status: 'snoozed',
      previous: { status: 'snoozed' },
      assignee: 'ada',
      snoozed_until: '2026-01-02T00:00:00.000Z',
    });
    expect(await actor()).toEqual({ actor: 'bob', never: false });
    expect(await say(3, 'resolved')).toMatchObject({
      change: 'resolved',
      status: 'resolved',
      previous: { status: 'snoozed' },
      assignee: 'ada',
      snoozed_until: null,
    });
    expect(await actor()).toEqual({ actor: null, never: true });
  });

  it('puts dead letters on record unchanged', async () => {
    const tenant_id = aTenant();
    await log.bury([
      { tenant_id, reason: 'invalid_field', detail: 'a NUL: \0', body: Buffer.from([0, 255]), routing_key: 'a.b' },
      { tenant_id: null, reason: 'message_too_large', detail: '', body: Buffer.alloc(70_000, 'x'), routing_key: null },
    ]);
    const letters = await rows(
      'select tenant_id, reason, detail, body, routing_key from tocsin.dead_letter order by dead_letter_id',
    );
    expect(letters[0]).toEqual({
      tenant_id,
      reason: 'invalid_field',
      detail: 'a NUL: \ufffd',
      body: Buffer.from([0, 255]),
      routing_key: 'a.b',
    });
    expect(letters[1]).toMatchObject({ tenant_id: null, reason: 'message_too_large' });
    expect((letters[1]!.body as Buffer).length).toBe(65_536);
  });

  it('stores 2,000 batches from 8 connections over the same tenants in any order without one error', async () => {
    const tenants = Array.from({ length: 20 }, () => aTenant());
    let left = 2_000;
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while ((left -= 1) >= 0) {
          const chosen = Array.from({ length: 4 }, () => tenants[Math.floor(Math.random() * 20)]!);
          await log.append(
            chosen.map((tenant_id) =>
              aPlannedEvent({ tenant_id, dedup_key: Math.random() < 0.5 ? `k${left % 5}` : undefined }),
            ),
          );
        }
      }),
    );
    const heads = await rows(
      `select s.tenant_id, s.last_seq::int as last, (select count(*)::int from tocsin.event e where e.tenant_id = s.tenant_id) as stored,
              (select max(seq)::int from tocsin.event e where e.tenant_id = s.tenant_id) as highest
       from tocsin.tenant_stream s where s.tenant_id = any ($1)`,
      tenants,
    );
    expect(heads).toHaveLength(20);
    for (const { last, stored, highest } of heads) expect({ last, highest }).toEqual({ last: stored, highest: stored });
    const { entries, told, untold, occurrences } = await counts(tenants);
    expect({ messages: entries + told + untold, occurrences }).toEqual({ messages: 8_000, occurrences: 8_000 });
  }, 120_000);

  it('holds no tenant while it waits for a new one that another batch makes', async () => {
    const [known, made] = [aTenant(), aTenant()].sort();
    const event = (tenant_id: TenantId) => aPlannedEvent({ tenant_id });
    await log.append([event(known!)]);
    const other = new Client({ connectionString: fresh.url });
    await other.connect();
    try {
      await other.query('begin');
      await other.query('insert into tocsin.tenant_stream (tenant_id) values ($1)', [made]);
      const appended = log.append([event(known!), event(made!)]);
      await eventually(async () =>
        expect(
          await rows(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`),
        ).toHaveLength(1),
      );
      await other.query('select from tocsin.tenant_stream where tenant_id = $1 for no key update nowait', [known]);
      await other.query('commit');
      expect(await appended).toMatchObject([{ outcome: 'stored' }, { outcome: 'stored' }]);
    } finally {
      await other.end();
    }
  });

  it('loses and doubles no repeat in a flood from 4 connections that are cut again and again (2,000 repeats)', async () => {
    const tenant_id = aTenant();
    const flooding = new Database({
      connection: { url: fresh.url },
      role: 'tocsin_processor',
      poolSize: 8,
      applicationName: 'flooding',
    });
    const lane = new PostgresEventLog(flooding, { after: 10, windowMs: 100 });
    const again = async <T>(work: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await work();
        } catch (error) {
          if (!(error instanceof Unavailable)) throw error;
        }
      }
    };
    const planned = Array.from({ length: 2_000 }, () => aPlannedEvent({ tenant_id, dedup_key: 'flood' }));
    let under = true;
    let cuts = 0;
    const appended: number[] = [];
    const cut = async () =>
      (cuts += (
        await rows(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'flooding' and state = 'active' limit 1`,
        )
      ).length);
    const flushing = (async () => {
      while (under)
        appended.push(
          ...(await again(() => lane.appendFolded()))
            .filter((event) => event.tenant_id === tenant_id)
            .map(({ seq }) => seq),
        );
    })();
    try {
      await Promise.all(
        Array.from({ length: 4 }, async (_, first) => {
          for (let at = first * 25; at < planned.length; at += 100)
            await Promise.all([again(() => lane.append(planned.slice(at, at + 25))), at % 75 === 0 && cut()]);
        }),
      );
    } finally {
      under = false;
      await flushing;
    }
    expect(cuts).toBeGreaterThan(0);

    const { entries, told, untold, occurrences, numbered, unnumbered } = await counts([tenant_id]);
    expect({ messages: entries + told + untold, occurrences }).toEqual({ messages: 2_000, occurrences: 2_000 });
    expect({ numbered, unnumbered }).toEqual({ numbered: entries, unnumbered: told + untold });
    expect(told + untold).toBeGreaterThan(1_000);
    expect(new Set(appended).size).toBe(appended.length);

    // an entry tells of the repeats of the last window once it is over
    await eventually(async () => {
      await lane.appendFolded();
      expect(await counts([tenant_id])).toMatchObject({ untold: 0, waiting: 0 });
    });
    const over = await counts([tenant_id]);
    expect(over.entries + over.told).toBe(2_000);
    await flooding.close();
  }, 60_000);

  it('never shows an entry before those with lower numbers', async () => {
    const tenant_id = aTenant();
    const gateway = fresh.open('tocsin_gateway');
    const reader = new PostgresEventLog(gateway);
    let storing = true;
    const lanes = Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let batch = 0; batch < 25; batch += 1)
          await log.append([aPlannedEvent({ tenant_id }), aPlannedEvent({ tenant_id })]);
      }),
    ).finally(() => (storing = false));
    let position = 0;
    try {
      while (storing || position < 200) {
        for (const { seq } of await reader.after(tenant_id, position, 50)) expect(seq).toBe((position += 1));
        if (!storing && position < 200) expect((await reader.heads([tenant_id]))[0]!.seq).toBe(200);
      }
      await lanes;
    } finally {
      await gateway.close();
    }
    expect(position).toBe(200);
  });

  it('gives each role only its own rights: the gateway stores nothing, the processor reads nothing', async () => {
    const gateway = fresh.open('tocsin_gateway');
    try {
      await expect(new PostgresEventLog(gateway).append([aPlannedEvent()])).rejects.toBeInstanceOf(Unavailable);
      await expect(log.after(aTenant(), 0, 1)).rejects.toThrow(/permission denied/);
      await expect(database.call('select from tocsin.event')).rejects.toThrow(/permission denied/);
    } finally {
      await gateway.close();
    }
  });
});
