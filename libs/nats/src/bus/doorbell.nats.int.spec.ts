import { describeDoorbell, eventually } from '@tocsin/contracts/testing';
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
  const openDoorbell = async (url = natsUrl()) => {
    const connection = nats.connection(url);
    await eventually(() => expect(connection.connected).toBe(true));
    return nats.doorbell(connection);
  };

  describeDoorbell('NATS', {
    open: async () => ({ doorbell: await openDoorbell(), close: () => Promise.resolve() }),
  });

  describe('rings through NATS', () => {
    it('reach another process', async () => {
      let heard = 0;
      await (await openDoorbell()).onRing(() => void (heard += 1));
      await (await openDoorbell()).ring();
      await eventually(() => expect(heard).toBe(1));
    });

    it('are lost without an error and within 500 ms while NATS is silent', async () => {
      const doorbell = await openDoorbell(proxy.via(natsUrl()));
      proxy.silence();
      const since = performance.now();
      await expect(doorbell.ring()).resolves.toBeUndefined();
      expect(performance.now() - since).toBeLessThan(700);
    });

    it('can be listened for while NATS is away: its return counts as a ring', async () => {
      proxy.refuse();
      let heard = 0;
      await nats.doorbell(nats.connection(proxy.via(natsUrl()))).onRing(() => void (heard += 1));
      expect(heard).toBe(0);
      proxy.refuse(false);
      await eventually(() => expect(heard).toBe(1));
    });
  });
});
