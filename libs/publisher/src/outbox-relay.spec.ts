import { BrokerUnavailable } from './broker-unavailable';
import type { PublishOutcome } from './confirming-publisher';
import { OutboxRelay, type OutboxTrouble } from './outbox-relay';

type Publish = (ids: string[]) => Promise<PublishOutcome[]>;

/** A relay with a fake database and a fake broker: records the statements, and the test decides each `publish`. */
function played(rows: { id: string; traceparent?: string; alert?: unknown; text?: string }[], publish: Publish) {
  const said: string[] = [];
  const troubles: OutboxTrouble[] = [];
  const published: [ids: string[], traceparent: string | undefined][] = [];
  const sent: unknown[] = [];
  let open = rows.map(
    (
      {
        id,
        alert = { id, tenant_id: 'bakery', service: 'ovens', severity: 'low' },
        text = JSON.stringify(alert),
        traceparent = null,
      }: { id: string; alert?: unknown; text?: string; traceparent?: string | null },
      index,
    ) => ({ outbox_id: String(index + 1), id, alert: text, traceparent }),
  );
  const query = async (text: string, values: unknown[] = []) => {
    const [, verb] = /^(\w+)/.exec(text)!;
    if (verb === 'delete') open = open.filter(({ outbox_id }) => !(values[0] as string[]).includes(outbox_id));
    said.push(
      verb === 'delete'
        ? `delete ${(values[0] as string[]).join()}`
        : verb === 'update'
          ? `set aside ${String(values)}`
          : verb === 'set'
            ? text
            : verb!,
    );
    return { rows: verb === 'select' ? open.slice(0, values[0] as number) : [] };
  };
  const relay = new OutboxRelay({
    pool: { connect: async () => ({ query, release: (error) => void said.push(error ? 'close' : 'release') }) },
    publisher: {
      connect: async () => undefined,
      publish: (alerts, { traceparent } = {}) => {
        const ids = alerts.map(({ id }) => id!);
        published.push([ids, traceparent]);
        sent.push(...alerts);
        return publish(ids);
      },
    },
    onTrouble: (trouble) => void troubles.push(trouble),
    batch: 10,
  });
  return { relay, said, troubles, published, sent };
}

/** PostgreSQL itself gives the claim up when the relay's machine has vanished, which ends no connection. */
const BEGUN = ['begin', 'set local idle_in_transaction_session_timeout = 30000', 'select'];

const confirmed = (ids: string[]): PublishOutcome[] => ids.map((id) => ({ id, outcome: 'confirmed' }));
/** Resolves once the relay has waited once: by then everything before is settled. */
const oneRound = async (relay: OutboxRelay) => {
  relay.start();
  await new Promise(setImmediate);
  await relay.stop();
};

it('deletes a row only after its confirmation', async () => {
  const { relay, said, published } = played([{ id: 'a' }, { id: 'b' }], async (ids) => confirmed(ids));
  await oneRound(relay);
  expect(published).toEqual([[['a', 'b'], undefined]]);
  expect(said).toEqual([...BEGUN, 'delete 1,2', 'commit', 'release']);
});

it('keeps rows that were not confirmed, and reports why', async () => {
  const { relay, said, troubles } = played([{ id: 'a' }, { id: 'b' }], async () => [
    { id: 'a', outcome: 'failed', reason: 'unroutable' },
    { id: 'b', outcome: 'confirmed' },
  ]);
  await oneRound(relay);
  expect(said).toEqual([...BEGUN, 'delete 2', 'commit', 'release']);
  expect(troubles).toEqual([{ kind: 'unconfirmed', reasons: ['unroutable'] }]);
});

it('lets go of its claim at once when the broker has an alarm', async () => {
  const { relay, said, troubles } = played([{ id: 'a' }], () =>
    Promise.reject(new BrokerUnavailable('blocked', 'an alarm')),
  );
  await oneRound(relay);
  expect(said).toEqual([...BEGUN, 'rollback', 'release']);
  expect(troubles).toEqual([{ kind: 'broker', error: expect.objectContaining({ obstacle: 'blocked' }) as Error }]);
});

it('gives each run of rows its own trace, and keeps the confirmations of one run when another was not sent', async () => {
  const rows = [{ id: 'a', traceparent: 't1' }, { id: 'b', traceparent: 't1' }, { id: 'c' }];
  const { relay, said, published } = played(rows, (ids) =>
    ids.includes('c') ? Promise.reject(new BrokerUnavailable('full', 'too many')) : Promise.resolve(confirmed(ids)),
  );
  await oneRound(relay);
  expect(published).toEqual([
    [['a', 'b'], 't1'],
    [['c'], undefined],
  ]);
  expect(said).toEqual([...BEGUN, 'delete 1,2', 'commit', 'release']);
});

it('sets aside a row that is not a valid alert, and publishes the others', async () => {
  const alert = { tenant_id: 'bakery', service: 'ovens', severity: 'low' };
  const rows = [
    { id: 'a', alert: { ...alert, service: undefined } },
    { id: 'b' },
    { id: 'c', alert: 'text' },
    { id: 'd', alert: { ...alert, tenant_id: ' ', severity: '' } },
  ];
  const { relay, said, published, troubles } = played(rows, async (ids) => confirmed(ids));
  await oneRound(relay);
  expect(published).toEqual([[['b'], undefined]]);
  expect(said).toEqual([
    ...BEGUN,
    'delete 2',
    'set aside 1,3,4,The alert has no service.,The alert is no object.,The alert has no tenant_id and no severity.',
    'commit',
    'release',
  ]);
  expect(troubles).toEqual([{ kind: 'set_aside', ids: ['a', 'c', 'd'] }]);
});

it('publishes a row without an id under one that is the same each time, and another for each row', async () => {
  const outcomes = async (ids: string[]) =>
    ids.map((id): PublishOutcome => ({ id, outcome: 'failed', reason: 'unroutable' }));
  const { relay, published } = played([{ id: '' }, { id: ' ' }], outcomes);
  await oneRound(relay);
  await oneRound(relay);
  const [[first], [second]] = published as [[string[], undefined], [string[], undefined]];
  expect(new Set(first).size).toBe(2);
  expect(first.every((id) => /^[\w-]{22}$/.test(id))).toBe(true);
  expect(second).toEqual(first);
});

it('never rounds a number of a row', async () => {
  const text = (order: string) =>
    `{"tenant_id": "bakery", "service": "ovens", "severity": "low", "metadata": {"order": ${order}}}`;
  const rows = [
    { id: 'a', text: text('653247040368672771') },
    { id: 'b', text: text('12') },
    { id: 'c', text: text(`[${'1e400,'.repeat(20_001)}1]`) },
  ];
  const { relay, sent, troubles } = played(rows, async (ids) => confirmed(ids));
  await oneRound(relay);
  expect(sent).toMatchObject([{ metadata: { order: '653247040368672771' } }, { metadata: { order: 12 } }]);
  expect(troubles).toEqual([{ kind: 'set_aside', ids: ['c'] }]);
});

it('closes a connection that cannot even be rolled back', async () => {
  const said: unknown[] = [];
  const query = () => Promise.reject(new Error('the connection is cut'));
  const troubles: OutboxTrouble[] = [];
  const relay = new OutboxRelay({
    pool: { connect: async () => ({ query, release: (error) => void said.push(error?.message) }) },
    publisher: { connect: async () => undefined, publish: async () => [] },
    onTrouble: (trouble) => void troubles.push(trouble),
  });
  await oneRound(relay);
  expect(said).toEqual(['the connection is cut']);
  expect(troubles).toEqual([{ kind: 'database', error: expect.any(Error) as Error }]);
});
