import { hintOf } from '@tocsin/contracts';
import { aTenant, eventually } from '@tocsin/contracts/testing';
import { LogInMemory } from '../feeds/testing/log-in-memory';
import { EVERYTHING, LiveGateway, type Client } from './testing/open-stream';

const tenant = aTenant('north');
const URGENT = { ...EVERYTHING, severity: ['urgent' as const] };
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
/** The numbers in the ids of all frames, in their order. */
const idsOf = ({ frames }: Client) => frames.map(({ id }) => Number(id!.split('-')[1]));

describe('a stream that begins with the newest entries', () => {
  let gateway: LiveGateway;
  let log: LogInMemory;
  const publish = (overrides = {}) => gateway.bus.deliver(...log.put(tenant, 1, overrides));
  const connect = async (options = {}) => {
    const client = await gateway.connect([tenant], options);
    await eventually(() => expect(client.of('connection')).toHaveLength(1));
    return client;
  };
  /** Brings more at once than the stream's backlog holds, so that it leaves its feed and replays. */
  const overflow = (overrides = {}) => {
    const events = log.put(tenant, 8, { message: 'x'.repeat(8_000), ...overrides });
    gateway.bus.hear(tenant, { ...hintOf(events.at(-1)!), data: null });
  };
  beforeEach(() => (gateway = new LiveGateway((log = new LogInMemory()), { backlogBytes: 65_536 })));
  afterEach(() => gateway.close());

  it('of which there are none falls behind later, and gets each entry once', async () => {
    const client = await connect({ newest: 5 });
    publish();
    await client.hears([1]);
    overflow();
    publish();
    await client.hears(upTo(10));
    expect(idsOf(client)).toEqual(upTo(10, 0));
  });

  it('of which one is ahead of the feed gets it at once, and once', async () => {
    await connect();
    log.put(tenant, 1);
    const client = await connect({ newest: 1 });
    await client.hears([1]);
    overflow();
    publish();
    await client.hears(upTo(10));
    expect(idsOf(client)).toEqual(upTo(10, 0));
  });

  it('of which none passes the filter, while the next entry reaches the feed, gets that one once', async () => {
    await connect();
    publish({ severity: 'low' });
    await eventually(() => expect(gateway.feeds.opened[0]!.last.seq).toBe(1));
    const newest = log.newest.bind(log);
    jest.spyOn(log, 'newest').mockImplementationOnce(async (...asked) => {
      const found = await newest(...asked);
      publish({ severity: 'urgent' });
      return found;
    });
    const client = await connect({ newest: 1, filter: URGENT });
    publish({ severity: 'urgent' });
    await client.hears([2, 3]);
    expect(idsOf(client)).toEqual([1, 2, 3]);
  });
});
