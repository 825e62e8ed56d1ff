import { hintOf } from '../event';
import { Unavailable } from '../errors';
import { anEntry, aTenant } from '../testing';
import { AnnounceEntries } from './announce-entries';
import type { EventBus, PublishedHint } from './event-bus';
import type { AppendedEvent } from './event-log';

const [bakery, harbour] = [aTenant('bakery'), aTenant('harbour')];
const appended = (tenant_id: AppendedEvent['tenant_id'], seq: number): AppendedEvent => ({
  tenant_id,
  epoch: 'e1',
  seq,
  fp: `fp-${seq}`,
  prev_fp: `fp-${seq - 1}`,
  entry: anEntry({ tenant_id, seq }),
});

describe('announcing entries', () => {
  let bursts: PublishedHint[][];
  let trouble: Error | undefined;
  let counted: Record<string, number>;
  let failures: number;
  let lines: string[];
  let announceEntries: AnnounceEntries;
  beforeEach(() => {
    [bursts, trouble, counted, failures, lines] = [[], undefined, {}, 0, []];
    const bus = {
      publish: async (hints: PublishedHint[]) =>
        void (trouble ? await Promise.reject(trouble) : bursts.push([...hints])),
    };
    const counts = {
      countPublished: (tenant: string, entries = 1) => void (counted[tenant] = (counted[tenant] ?? 0) + entries),
      publishFailures: { inc: () => void (failures += 1) },
    };
    const write = (level: string) => (_: object, message: string) => void lines.push(`${level}: ${message}`);
    const log = { info: write('info'), warn: write('warn') };
    announceEntries = new AnnounceEntries(bus as unknown as EventBus, counts, log);
  });

  it('publishes them in one burst, in their order, and counts them by tenant', async () => {
    const events = [appended(bakery, 4), appended(harbour, 1), appended(bakery, 5)];
    await announceEntries.announce(events);
    expect(bursts).toEqual([events.map((event) => ({ tenant_id: event.tenant_id, ...hintOf(event) }))]);
    expect(counted).toEqual({ bakery: 2, harbour: 1 });
  });

  it('asks the bus nothing when there is nothing to tell', async () => {
    trouble = new Error('never called');
    await announceEntries.announce([]);
    expect([bursts, failures]).toEqual([[], 0]);
  });

  it('sends a hint without data and does not count it as an entry', async () => {
    const hints = [appended(bakery, 4), appended(bakery, 5)].map((event, index) => ({
      tenant_id: event.tenant_id,
      ...hintOf(event),
      ...(index === 0 && { data: null }),
    }));
    expect(await announceEntries.announceHints(hints)).toBe(1);
    expect([bursts, counted]).toEqual([[hints], { bakery: 1 }]);
  });

  it('counts every failure, throws none, and logs an outage once when it begins and once when it ends', async () => {
    trouble = new Unavailable('bus', 'the test says so');
    for (let seq = 1; seq <= 3; seq += 1) await announceEntries.announce([appended(bakery, seq)]);
    expect([failures, counted]).toEqual([3, {}]);
    trouble = undefined;
    for (let seq = 4; seq <= 5; seq += 1) await announceEntries.announce([appended(bakery, seq)]);
    expect(lines).toEqual([expect.stringMatching(/^warn: /), expect.stringMatching(/^info: /)]);
  });
});
