import { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

const alertOf = (tenant_id: string, id: string, more: Record<string, unknown> = {}) => ({
  tenant_id,
  service: 'inventory',
  id,
  name: 'low_stock',
  title: `Secret of ${tenant_id}`,
  ...more,
});

describe('two tenants', () => {
  let stack: Stack;
  let bakery: SseStream;
  let tavern: SseStream;
  let both: SseStream;
  beforeAll(async () => {
    // names that are no hexadecimal number: an id of an alert could hold one by chance
    stack = await Stack.open({
      tenants: { ana: ['bakery'], ben: ['tavern'], eve: ['bakery', 'tavern'], new: ['bakery'] },
    });
    [bakery, tavern, both] = await Promise.all([stack.watch('ana'), stack.watch('ben'), stack.watch('eve')]);
    for (let i = 1; i <= 5; i += 1) {
      await stack.amqp.publish('alert.low.inventory', alertOf('bakery', `b-${i}`));
      await stack.amqp.publish('alert.low.inventory', alertOf('tavern', `c-${i}`));
    }
    await Promise.all([
      ...[bakery, both].map((stream) => stream.entry('b-5')),
      ...[tavern, both].map((stream) => stream.entry('c-5')),
    ]);
  });
  afterAll(async () => {
    for (const stream of [bakery, tavern, both]) stream?.close();
    await stack?.close();
  });

  it('do not see each other, not by a byte', () => {
    expect(bakery.text).not.toContain('tavern');
    expect(tavern.text).not.toContain('bakery');
    expect([bakery.entries.length, tavern.entries.length, both.entries.length]).toEqual([5, 5, 10]);
  });

  it("are not opened by the other's name, in any disguise", async () => {
    for (const tenant of [
      'tavern',
      'bakery,tavern',
      'CAFE',
      'tavern ',
      '*',
      '%',
      'bakery;tavern',
      "bakery' or '1'='1",
      '{bakery,tavern}',
    ]) {
      const stream = await SseStream.open(stack.eventsUrl(), {
        headers: { Authorization: `Bearer ${tokenFor('ana')}` },
        query: { tenant, since: '10' },
      });
      await stream.ended;
      expect({ tenant, status: stream.status }).toEqual({ tenant, status: 403 });
      expect(stream.text).not.toContain('Secret of');
    }
  });

  it("are not opened by the other's cursor: it is a gap, and what follows is one's own", async () => {
    for (const cursor of [tavern.cursor, both.cursor, `tavern=${tavern.cursor}`, `bakery=${tavern.cursor}`]) {
      const stream = await stack.watch('ana', { cursor });
      const connection = JSON.parse(stream.frames[0]!.data) as { verdict: string; tenants: { tenant_id: string }[] };
      expect(connection.tenants.map(({ tenant_id }) => tenant_id)).toEqual(['bakery']);
      // the cursor of a stream of both has a true position for the tenant that is still followed
      expect({ cursor, verdict: connection.verdict }).toEqual({
        cursor,
        verdict: cursor === both.cursor ? 'resumed' : 'gap',
      });
      // except the position in the other's log that the cursor came with, which is kept: nothing is read there
      expect(stream.text.replaceAll(/^id: .*$/gm, '')).not.toContain('tavern');
      stream.close();
    }
  });

  it('are narrowed to one by ?tenant=, with a cursor of its own', async () => {
    const stream = await stack.watch('eve', { query: { tenant: 'tavern', since: '10' } });
    await stream.entry('c-5');
    expect(stream.text).not.toContain('bakery');
    expect(stream.cursor).toBe(tavern.cursor);
    stream.close();
  });

  it('have numbers, alerts and keys of their own: one id, one dedup_key and one service are two alerts', async () => {
    for (const tenant of ['bakery', 'tavern']) {
      await stack.amqp.publish(
        'alert.low.inventory',
        alertOf(tenant, 'same', { dedup_key: 'same', occurred_at: '2026-01-02T03:04:05Z' }),
      );
    }
    const shown = await Promise.all([bakery.entry('same'), tavern.entry('same')]);
    const [one, other] = shown.map(
      ({ data }) => JSON.parse(data) as { tenant_id: string; seq: number; change: string; alert_id: string },
    );
    expect(one).toMatchObject({ tenant_id: 'bakery', seq: 6, change: 'raised' });
    expect(other).toMatchObject({ tenant_id: 'tavern', seq: 6, change: 'raised' });
    expect(one!.alert_id).not.toBe(other!.alert_id);
  });

  it("cannot be reached by a tenant's name in a token: the tenant service decides", async () => {
    const stream = await SseStream.open(stack.eventsUrl(), {
      headers: { Authorization: `Bearer ${tokenFor('ana', { tenants: ['tavern'], tenant_id: 'tavern' })}` },
      query: { since: '10' },
    });
    await stream.entry('b-5');
    expect(stream.text).not.toContain('tavern');
    stream.close();
  });

  it('a new member of one sees its past and nothing of the other', async () => {
    const stream = await stack.watch('new', { query: { since: '2026-01-01T00:00:00Z' } });
    await stream.entry('b-5');
    expect(stream.text).not.toContain('tavern');
    stream.close();
  });
});
