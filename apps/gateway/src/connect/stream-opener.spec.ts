import { harbour, north, OpenedStreams, seqsOf, told, upTo } from './testing/opened-streams';

let opened: OpenedStreams;
beforeEach(async () => (opened = await OpenedStreams.open()));
afterEach(() => opened.close());

describe('?since=N', () => {
  beforeEach(() => (opened.mine = [north]));
  const severities = (...runs: [number, 'urgent' | 'low'][]) =>
    runs.forEach(([count, severity]) => opened.log.put(north, count, { severity }));

  it.each<[string, [number, 'urgent' | 'low'][], string, number[]]>([
    ['entries within the ring', [[10, 'low']], '&since=3', [8, 9, 10]],
    ['more than the replay window', [[200, 'low']], '&since=120', upTo(200, 81)],
    ['more than there are', [[4, 'low']], '&since=500', upTo(4)],
    ['none of them', [[4, 'low']], '&since=0', []],
    [
      'those that pass, beyond the replay window',
      [
        [3, 'urgent'],
        [400, 'low'],
      ],
      '&since=2&severity=urgent',
      [2, 3],
    ],
    [
      'those that pass, on both sides of it',
      [
        [3, 'urgent'],
        [400, 'low'],
        [1, 'urgent'],
        [2, 'low'],
      ],
      '&since=3&severity=urgent',
      [2, 3, 404],
    ],
    [
      'those that pass, fewer than asked for',
      [
        [1, 'low'],
        [3, 'urgent'],
        [400, 'low'],
      ],
      '&since=20&severity=urgent',
      [2, 3, 4],
    ],
    ['those that pass, when none does', [[400, 'low']], '&since=20&severity=urgent', []],
    ['an empty log', [], '&since=20&severity=urgent', []],
  ])('of %s', async (_, runs, query, seqs) => {
    severities(...runs);
    const client = await opened.connect(query);
    const count = opened.log.streams.get(north)?.events.length ?? 0;
    expect(told(client)).toMatchObject({
      verdict: 'fresh',
      tenants: [{ verdict: 'fresh', missed: 0, reason: null, behind: seqs.length, searched: null }],
    });
    expect(client.of('connection')[0]!.id).toBe(opened.at(north, seqs.length > 0 ? seqs[0]! - 1 : count));
    opened.publish(north, 1, { severity: 'urgent' });
    await client.hears([...seqs, count + 1]);
    // Each frame's id is its own position, and the last one's that of the live stream.
    expect(client.frames.filter(({ data }) => 'seq' in data).map(({ id }) => id)).toEqual(
      [...seqs, count + 1].map((seq) => opened.at(north, seq)),
    );
  });

  it('reads no more of the log than it sends, however far back that is', async () => {
    severities([3, 'urgent'], [4_000, 'low']);
    const client = await opened.connect('&since=3&severity=urgent');
    await client.hears([1, 2, 3]);
    opened.publish(north, 1, { severity: 'urgent' });
    await client.hears([1, 2, 3, 4_004]);
    expect(opened.log.asked.after).toBe(0);
  });

  it('says how many entries were searched when too few passed', async () => {
    opened.log.searched = 100;
    severities([2, 'urgent'], [120, 'low'], [1, 'urgent'], [50, 'low']);
    const few = await opened.connect('&since=2&severity=urgent');
    expect(told(few)).toMatchObject({ verdict: 'fresh', tenants: [{ missed: 0, searched: 100 }] });
    await few.hears([123]);
    expect(told(await opened.connect('&since=1&severity=urgent')).tenants[0]).toMatchObject({ searched: null });
    expect(told(await opened.connect('&since=120')).tenants[0]).toMatchObject({ searched: 100 });
  });

  it('continues with cursors that cover everything, and a client that leaves in the middle misses nothing', async () => {
    severities([3, 'urgent'], [30, 'low']);
    const first = await opened.connect('&since=3&severity=urgent');
    await first.hears([1, 2, 3]);
    const back = await opened.connect('&severity=urgent', opened.at(north, 2));
    await back.hears([3]);
    opened.publish(north, 1, { severity: 'urgent' });
    await back.hears([3, 34]);
    await first.hears([1, 2, 3, 34]);
  });

  it('gives each of several tenants its own', async () => {
    opened.mine = [north, harbour];
    severities([2, 'urgent'], [100, 'low']);
    opened.log.put(harbour, 5, { severity: 'urgent' });
    const client = await opened.connect('&since=2&severity=urgent');
    await opened.settled(client);
    expect([seqsOf(client, north).slice(0, 2), seqsOf(client, harbour)]).toEqual([
      [1, 2],
      [4, 5],
    ]);
    expect(told(client)).toMatchObject({ verdict: 'fresh' });
  });
});

describe('of several cursors', () => {
  beforeEach(() => (opened.mine = [north]));

  it.each([
    ['&last_event_id=2&lastEventId=5', ''],
    ['&lastEventId=5&last_event_id=2', ''],
    ['&last_event_id=2', '5'],
    ['&last_event_id=5', '2'],
    ['&last_event_id=2&lastEventId=5', '2'],
    ['&lastEventID=5', ''],
    ['&Last-Event-ID=5&last_event_id=3', ''],
    ['&lastEventId=garbage&last_event_id=5', ''],
  ])('%s with the header %j goes on behind 5', async (query, header) => {
    opened.log.put(north, 8);
    const place = (text: string) => text.replace(/=(\d)/g, (_, seq) => `=${opened.at(north, Number(seq))}`);
    const client = await opened.connect(place(query), header && opened.at(north, Number(header)));
    await client.hears([6, 7, 8]);
    expect(told(client).verdict).toBe('resumed');
  });

  it('the page’s old one leads no stream astray that a restored backup has reset since', async () => {
    opened.log.put(north, 30);
    const old = opened.at(north, 30);
    opened.log.restore(north, 10);
    opened.log.put(north, 5);
    const client = await opened.connect(`&last_event_id=${old}&lastEventId=${opened.at(north, 12)}`);
    await client.hears([13, 14, 15]);
    const replaced = await opened.connect(`&last_event_id=${opened.at(north, 4)}&lastEventId=${old}`);
    expect(told(replaced)).toMatchObject({ verdict: 'gap', tenants: [{ reason: 'history_replaced' }] });
  });
});

it.each(['e1-0-abcdefgh', 'EPOCH-0-abcdefgh', 'EPOCH-0-00000000', 'EPOCH-3-0', 'e1-0-0', 'north=EPOCH-0-abcdefgh'])(
  'the forged cursor %s is a gap, then live',
  async (cursor) => {
    opened.mine = [north];
    const { epoch } = opened.log.position(north, 0);
    const client = await opened.connect('', cursor.replace('EPOCH', epoch));
    expect(told(client)).toMatchObject({ verdict: 'gap', tenants: [{ verdict: 'gap', missed: null }] });
    opened.publish(north);
    await client.hears([1]);
    expect(client.of('close')).toEqual([]);
  },
);
