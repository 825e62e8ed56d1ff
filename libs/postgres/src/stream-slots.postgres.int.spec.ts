import { randomUUID } from 'node:crypto';
import { tenantIdOf, type StreamHolder } from '@tocsin/contracts';
import { describeStreamSlots, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { asOwner, openBus } from './testing';

const LIFETIME_MS = 600;

describeStreamSlots('PostgreSQL', {
  lifetimeMs: LIFETIME_MS,
  async open() {
    const opened = await openBus();
    const proxy = await FaultProxy.to(opened.url);
    const gateways = [
      opened.slots({ poolUrl: proxy.via(opened.url), lifetimeMs: LIFETIME_MS }),
      opened.slots({ lifetimeMs: LIFETIME_MS }),
    ] as const;
    return {
      gateways,
      // a killed process sends nothing more: no heartbeat and no release
      crashFirst: () => {
        proxy.refuse();
        proxy.cut();
      },
      async close() {
        await opened.close();
        await proxy.close();
      },
    };
  },
});

describe('stream slots in PostgreSQL', () => {
  const limits = { user: 2, tenant: 0, address: 0 };
  let opened: Awaited<ReturnType<typeof openBus>>;
  let proxy: FaultProxy;
  beforeEach(async () => {
    opened = await openBus();
    proxy = await FaultProxy.to(opened.url);
  });
  afterEach(async () => {
    await opened.close();
    await proxy.close();
  });
  const aStream = (user: string): StreamHolder => ({ user, tenant_ids: [tenantIdOf('acme')!], address: '192.0.2.1' });
  const countOf = async (user: string) => {
    const [row] = await asOwner<{ streams: number }>(
      { url: opened.url },
      `select coalesce(sum(streams), 0)::int as streams from tocsin.stream_slot join tocsin.stream_gateway using (instance)
       where slot = $1 and alive_until > now()`,
      [`user:${user}`],
    );
    return row!.streams;
  };

  it.each(['silent', 'gone'] as const)(
    'are counted by each gateway alone while the database is %s, and by all together afterwards',
    async (how) => {
      const user = randomUUID();
      const [islander, other] = [
        opened.slots({ poolUrl: proxy.via(opened.url), lifetimeMs: LIFETIME_MS }),
        opened.slots(),
      ];
      expect(await islander.take(aStream(user), limits)).toBe('taken');
      expect(await other.take(aStream(user), limits)).toBe('taken');
      expect(await islander.take(aStream(user), limits)).toEqual({ full: 'user' });

      if (how === 'silent') proxy.silence();
      else {
        proxy.refuse();
        proxy.cut();
      }
      const alone = aStream(user);
      const since = performance.now();
      expect(await islander.take(alone, limits)).toBe('taken');
      expect(performance.now() - since).toBeLessThan(700);
      expect(await islander.take(aStream(user), limits)).toEqual({ full: 'user' });

      proxy.silence(false);
      proxy.refuse(false);
      // three streams are open where two are allowed: no more are admitted until two have ended
      await eventually(async () => expect(await countOf(user)).toBe(3), 10_000);
      islander.release(alone);
      await eventually(async () => expect(await countOf(user)).toBe(2));
      expect(await other.take(aStream(user), limits)).toEqual({ full: 'user' });
    },
  );

  it('are stated again when the database has forgotten them, as it does after a crash', async () => {
    const user = randomUUID();
    const slots = opened.slots({ lifetimeMs: LIFETIME_MS });
    expect(await slots.take(aStream(user), limits)).toBe('taken');
    expect(await slots.take(aStream(user), limits)).toBe('taken');
    await asOwner({ url: opened.url }, 'truncate tocsin.stream_gateway cascade');
    expect(await slots.take(aStream(user), limits)).toEqual({ full: 'user' });
    await eventually(async () => expect(await countOf(user)).toBe(2));
  });

  it('of a crashed gateway are deleted by the heartbeats of another, a minute after its last one', async () => {
    const crashed = randomUUID();
    await asOwner(
      { url: opened.url },
      `insert into tocsin.stream_gateway values ('${crashed}', now() - interval '2 minutes');
       insert into tocsin.stream_slot values ('user:left', '${crashed}', 3)`,
    );
    await opened.slots({ lifetimeMs: LIFETIME_MS }).take(aStream(randomUUID()), limits);
    await eventually(async () =>
      expect(await asOwner({ url: opened.url }, `select 1 from tocsin.stream_slot where slot = 'user:left'`)).toEqual(
        [],
      ),
    );
  });

  it('leave nothing behind when the gateway closes', async () => {
    const user = randomUUID();
    const slots = opened.slots();
    await slots.take(aStream(user), limits);
    expect(await countOf(user)).toBe(1);
    await slots.close();
    await slots.close();
    expect(await countOf(user)).toBe(0);
  });

  it('agree with what is held after any disorder of takes, releases and cuts', async () => {
    const users = Array.from({ length: 5 }, () => randomUUID());
    const slots = opened.slots({ poolUrl: proxy.via(opened.url), lifetimeMs: 300 });
    const generous = { user: 1_000, tenant: 0, address: 0 };
    const held: StreamHolder[] = [];
    for (let round = 0; round < 60; round += 1) {
      if (round % 15 === 7) proxy.cut();
      const taking = users.map((user) => aStream(user));
      const answers = Promise.all(taking.map((stream) => slots.take(stream, generous)));
      for (const stream of held.splice(0, round % 7)) slots.release(stream);
      expect(new Set(await answers)).toEqual(new Set(['taken']));
      held.push(...taking);
    }
    for (const user of users) {
      const expected = held.filter(({ user: whose }) => whose === user).length;
      await eventually(async () => expect(await countOf(user)).toBe(expected), 10_000);
    }
  });
});
