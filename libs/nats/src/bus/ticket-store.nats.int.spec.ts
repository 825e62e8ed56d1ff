import { randomUUID } from 'node:crypto';
import { describeTicketStore, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { describeWithNats, natsUrl, OwnNats } from '../testing';

describeWithNats('NATS', () => {
  let nats: OwnNats;
  let proxy: FaultProxy;
  beforeEach(async () => {
    nats = await OwnNats.openBus();
    proxy = await FaultProxy.to(natsUrl());
  });
  afterEach(async () => {
    await nats.close();
    await proxy.close();
  });

  describeTicketStore('NATS', {
    async open() {
      await nats.busStreams().prepare();
      return { tickets: nats.tickets(), close: () => Promise.resolve() };
    },
  });

  describe('tickets in NATS', () => {
    it('are redeemed once by two gateways, of which the first makes the stream', async () => {
      const jti = randomUUID();
      const answers = await Promise.all([nats.tickets().redeem(jti), nats.tickets().redeem(jti)]);
      expect(answers.sort()).toEqual([false, true]);
    });

    it('are kept by the disk, for ten minutes and within a bound', async () => {
      await nats.tickets().redeem(randomUUID());
      const { config } = await nats.manager.streams.info(`${nats.prefix}bus-tickets`);
      expect(config).toMatchObject({ storage: 'file', max_age: 600e9, max_bytes: 64 * 1024 * 1024, discard: 'new' });
    });

    it('cannot be redeemed where the stream is full', async () => {
      const tickets = nats.tickets();
      await tickets.redeem(randomUUID());
      await nats.manager.streams.update(`${nats.prefix}bus-tickets`, { max_bytes: 1_000 });
      const twenty = Promise.all(Array.from({ length: 20 }, () => tickets.redeem(randomUUID())));
      await expect(twenty).rejects.toMatchObject({ name: 'Unavailable', role: 'tickets' });
    });

    it('cannot be redeemed while NATS is silent: that is known within 600 ms', async () => {
      const connection = nats.connection(proxy.via(natsUrl()));
      const tickets = nats.tickets(connection);
      await nats.busStreams().prepare();
      await eventually(async () => expect(await tickets.redeem(randomUUID())).toBe(true));
      proxy.silence();
      const since = performance.now();
      await expect(tickets.redeem(randomUUID())).rejects.toMatchObject({ name: 'Unavailable', role: 'tickets' });
      expect(performance.now() - since).toBeLessThan(800);
      proxy.silence(false);
      await eventually(async () => expect(await tickets.redeem(randomUUID())).toBe(true));
    });

    it('cannot be redeemed since the connection was lost, not since the last attempt', async () => {
      const connection = nats.connection(proxy.via(natsUrl()));
      await eventually(() => expect(connection.connected).toBe(true));
      proxy.refuse();
      const lost = new Promise<number>((resolve) => connection.watch(() => resolve(Date.now())));
      proxy.cut();
      const lostAt = await lost;
      const error = await nats
        .tickets(connection)
        .redeem(randomUUID())
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ role: 'tickets', technology: 'nats' });
      expect(Math.abs((error as { since: Date }).since.getTime() - lostAt)).toBeLessThan(50);
    });
  });
});
