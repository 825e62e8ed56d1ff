import { describeDoorbell, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { openBus } from './testing';

describeDoorbell('PostgreSQL', {
  async open() {
    const opened = await openBus();
    const doorbell = opened.doorbell();
    return { doorbell, close: () => opened.close() };
  },
});

describe('rings through PostgreSQL', () => {
  let opened: Awaited<ReturnType<typeof openBus>>;
  let proxy: FaultProxy;
  beforeEach(async () => {
    opened = await openBus();
    proxy = await FaultProxy.to(opened.url);
  });
  afterEach(async () => {
    // first: a connection through a silent proxy would not end before the database is deleted
    await proxy.close();
    await opened.close();
  });

  it('reach another process', async () => {
    let heard = 0;
    await opened.doorbell().onRing(() => void (heard += 1));
    await opened.doorbell().ring();
    await eventually(() => expect(heard).toBe(1));
  });

  it('are lost without an error and within 500 ms while PostgreSQL is silent', async () => {
    const doorbell = opened.doorbell({ poolUrl: proxy.via(opened.url) });
    await doorbell.ring();
    proxy.silence();
    const since = performance.now();
    await expect(doorbell.ring()).resolves.toBeUndefined();
    expect(performance.now() - since).toBeLessThan(1_000);
  });

  it('can be listened for while PostgreSQL is away: its return counts as a ring', async () => {
    proxy.refuse();
    let heard = 0;
    await opened.doorbell({ url: proxy.via(opened.url) }).onRing(() => void (heard += 1));
    expect(heard).toBe(0);
    proxy.refuse(false);
    await eventually(() => expect(heard).toBe(1));
  });
});
