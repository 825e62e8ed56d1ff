import type { TenantId } from '@tocsin/contracts';
import { eventually } from '@tocsin/contracts/testing';
import type { Held } from '../live/lifetime';
import { harbour, membership, north, OpenedStreams, seqsOf, third, told, upTo } from './testing/opened-streams';

let opened: OpenedStreams;
beforeEach(async () => (opened = await OpenedStreams.open()));
afterEach(() => opened.close());

describe('a tenant that stays in a stream while others change', () => {
  it('is replayed once, also when the change comes during its replay', async () => {
    opened.maxReplay = 200;
    opened.log.put(north, 150);
    await opened.connect(); // opens the feeds
    const go = opened.log.pause(1);
    const client = await opened.connect('', `north=${opened.at(north, 0)};harbour=${opened.at(harbour, 0)}`);
    await eventually(() => expect(seqsOf(client, north)).not.toHaveLength(0));
    const change = opened.held.at(-1)!.change([north, harbour].map(membership), []);
    await eventually(() => expect(client.of('connection')).toHaveLength(2));
    go();
    await change;
    opened.publish(north);
    await eventually(() => expect(seqsOf(client, north)).toContain(151));
    expect(seqsOf(client, north)).toEqual(upTo(151));
  });

  it('is not joined to its feed by a stream that has ended', async () => {
    await opened.connect(); // opens the feeds
    const joining = jest.spyOn(
      opened.feeds.opened.find(({ tenant }) => tenant === north)!,
      'join',
    );
    opened.revokes = true;
    const client = await opened.connect('', '', 'close');
    expect(client.of('close')).toMatchObject([{ data: { reason: 'revoked' } }]);
    expect(joining).not.toHaveBeenCalled();
  });
});

describe('a tenant that leaves a stream', () => {
  const lose = (one: Held, tenant: TenantId) => {
    one.stream.drop(tenant);
    return one.change(
      one.memberships.filter(({ tenant_id }) => tenant_id !== tenant),
      [],
    );
  };
  const regain = (one: Held, ...tenants: TenantId[]) =>
    one.change([...one.stream.tenants, ...tenants].map(membership), tenants);

  it('stays in the cursor, and what was missed is sent when it comes back', async () => {
    opened.log.put(harbour, 5);
    const client = await opened.connect('', `north=${opened.at(north, 0)};harbour=${opened.at(harbour, 5)}`);
    opened.publish(harbour, 2);
    await eventually(() => expect(seqsOf(client, harbour)).toEqual([6, 7]));
    await lose(opened.held[0]!, harbour);
    opened.publish(harbour, 3, { title: 'not for now' });
    opened.publish(north, 2);
    await eventually(() => expect(seqsOf(client, north)).toEqual([1, 2]));
    expect(client.cursor).toBe(`north=${opened.at(north, 2)};harbour=${opened.at(harbour, 7)}`);
    expect(told(client).tenants.map(({ tenant_id }) => tenant_id)).toEqual([north]);
    expect(client.text).not.toContain('not for now');

    await regain(opened.held[0]!, harbour);
    await eventually(() => expect(seqsOf(client, harbour)).toEqual(upTo(10, 6)));
    expect(told(client)).toMatchObject({
      verdict: 'resumed',
      tenants: [
        { tenant_id: north, verdict: 'resumed' },
        { tenant_id: harbour, verdict: 'resumed', missed: 0, behind: 3 },
      ],
    });
    opened.publish(harbour);
    await eventually(() => expect(seqsOf(client, harbour)).toEqual(upTo(11, 6)));
    expect(client.cursor).toBe(`north=${opened.at(north, 2)};harbour=${opened.at(harbour, 11)}`);
  });

  it('that missed more than is replayed is reported to the client', async () => {
    const client = await opened.connect();
    await opened.settled(client);
    await lose(opened.held[0]!, harbour);
    opened.publish(harbour, opened.maxReplay + 1);
    await regain(opened.held[0]!, harbour);
    await eventually(() => expect(client.of('connection')).toHaveLength(3));
    expect(told(client)).toMatchObject({
      verdict: 'gap',
      tenants: [{}, { tenant_id: harbour, verdict: 'gap', missed: opened.maxReplay + 1, reason: 'window_exceeded' }],
    });
  });

  it('whose history was replaced in the meantime is reported to the client', async () => {
    opened.log.put(harbour, 5);
    const client = await opened.connect();
    await opened.settled(client);
    await lose(opened.held[0]!, harbour);
    opened.log.restore(harbour, 3);
    opened.publish(harbour, 4);
    await eventually(() => expect(opened.feeds.opened.find((feed) => feed.tenant === harbour)!.generation).toBe(1));
    await regain(opened.held[0]!, harbour);
    await eventually(() => expect(client.of('connection')).toHaveLength(3));
    expect(told(client)).toMatchObject({
      verdict: 'gap',
      tenants: [{}, { tenant_id: harbour, reason: 'history_replaced', missed: null }],
    });
  });

  it('one that was never there is fresh, and one that is revoked while it joins is not taken up', async () => {
    const client = await opened.connect();
    await opened.settled(client);
    opened.revoked = new Set([third]);
    opened.log.put(third, 1, { title: 'of a revoked tenant' });
    await regain(opened.held[0]!, third);
    expect(opened.held[0]!.stream.tenants).toEqual([north, harbour]);
    expect(told(client).tenants.map(({ tenant_id }) => tenant_id)).toEqual([north, harbour]);
    opened.revoked = new Set();
    await regain(opened.held[0]!, third);
    await eventually(() =>
      expect(told(client).tenants[2]).toMatchObject({ tenant_id: third, verdict: 'fresh', missed: 0, behind: 0 }),
    );
    expect(client.text).not.toContain('of a revoked tenant');
  });

  it('stays in the cursor over reconnects, and is not used until the tenant is back', async () => {
    opened.log.put(harbour, 5);
    opened.mine = [north];
    const alone = await opened.connect('', `north=${opened.at(north, 0)};harbour=${opened.at(harbour, 3)}`);
    expect(told(alone)).toMatchObject({ verdict: 'resumed', tenants: [{ tenant_id: north }] });
    opened.publish(north);
    await eventually(() => expect(seqsOf(alone, north)).toEqual([1]));
    expect(alone.frames.map(({ id }) => id)).toEqual(
      [0, 1].map((seq) => `north=${opened.at(north, seq)};harbour=${opened.at(harbour, 3)}`),
    );
    expect(seqsOf(alone, harbour)).toEqual([]);
    const again = await opened.connect('', alone.cursor);
    opened.mine = [north, harbour];
    const both = await opened.connect('', again.cursor);
    await eventually(() => expect(seqsOf(both, harbour)).toEqual([4, 5]));
    expect(told(both)).toMatchObject({ verdict: 'resumed', tenants: [{ behind: 0 }, { behind: 2, missed: 0 }] });
  });

  it('stays in the cursor of a stream that was narrowed', async () => {
    opened.log.put(harbour, 5);
    const narrow = await opened.connect(
      '&tenant=north',
      `north=${opened.at(north, 0)};harbour=${opened.at(harbour, 3)}`,
    );
    expect(narrow.cursor).toBe(`north=${opened.at(north, 0)};harbour=${opened.at(harbour, 3)}`);
  });

  it('gives way where there is no room: the stream’s own tenants first, and of the others the newest', async () => {
    opened.mine = [north];
    const foreign = upTo(40).map((n) => `t${n}=e${n}-1-abcdefgh`);
    const client = await opened.connect('', [`north=${opened.at(north, 0)}`, ...foreign.slice(0, 31)].join(';'));
    expect(client.cursor!.split(';')).toHaveLength(32);
    await regain(opened.held[0]!, harbour);
    await eventually(() => expect(client.of('connection')).toHaveLength(2));
    expect(client.cursor!.split(';')).toEqual([
      `north=${opened.at(north, 0)}`,
      `harbour=${opened.at(harbour, 0)}`,
      ...foreign.slice(1, 31),
    ]);
    const most = await opened.connect('', [`north=${opened.at(north, 0)}`, ...foreign].join(';'));
    expect(most.cursor!.split(';')).toEqual([`north=${opened.at(north, 0)}`, ...foreign.slice(9)]);
  });
});
