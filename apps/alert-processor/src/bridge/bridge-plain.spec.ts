import { QueueFull, Refused, Unavailable, type TenantId, type ValidMessage } from '@tocsin/contracts';
import { PlainMessages, type PlainMessage, type PublishOutcome } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { LogInMemory } from '../testing/ingest-in-memory';
import { BridgePlain } from './bridge-plain';

/** A source that hands over what a test publishes, until it is stopped. */
class SourceByHand extends PlainMessages {
  taking = false;
  private take: ((message: PlainMessage) => void) | undefined;
  listen(take: (message: PlainMessage) => void): void {
    this.taking = true;
    this.take = take;
  }
  async stop(): Promise<void> {
    this.taking = false;
    this.take = undefined;
  }
  publish(...bodies: unknown[]): void {
    for (const body of bodies) {
      const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      this.take?.({ topic: 'alerts:north', tenant_id: 'north' as TenantId, body: bytes });
    }
  }
}

/** A queue that confirms, unless a test says otherwise. */
class IntakeByHand {
  readonly confirmed: ValidMessage[] = [];
  calls = 0;
  trouble: () => Error | undefined = () => undefined;
  /** How many it takes at once. */
  room = Infinity;
  fails: (message: ValidMessage) => boolean = () => false;
  async publish(messages: readonly ValidMessage[]): Promise<PublishOutcome[]> {
    this.calls += 1;
    const error = messages.length > this.room ? new QueueFull('nats', 'a test') : this.trouble();
    if (error) throw error;
    return messages.map((message): PublishOutcome => {
      if (this.fails(message)) return { id: message.id, outcome: 'failed', reason: 'a test' };
      this.confirmed.push(message);
      return { id: message.id, outcome: 'confirmed' };
    });
  }
}

const bridges: BridgePlain[] = [];
afterEach(() => Promise.all(bridges.splice(0).map((bridge) => bridge.stop())));

function open(most?: { messages: number; bytes: number }) {
  const [source, intake, eventLog] = [new SourceByHand(), new IntakeByHand(), new LogInMemory()];
  const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    app: 'test',
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const bridge = new BridgePlain(source, intake, eventLog, metrics, log, { most });
  bridges.push(bridge);
  bridge.start();
  const counts = async () => {
    const text = await metrics.registry.getSingleMetricAsString('tocsin_plain_messages_total');
    const found = [...text.matchAll(/result="(\w+)"\} (\d+)/g)].map(([, result, count]) => [result!, Number(count)]);
    return Object.fromEntries(found.filter(([, count]) => count !== 0)) as Record<string, number>;
  };
  return { source, intake, eventLog, bridge, counts, said: () => lines.map(({ msg }) => msg) };
}

const alert = (n: number, more: object = {}) => ({ service: 'oven', title: `n${n}`, id: `id-${n}`, ...more });
const away = () => new Unavailable('queue', 'a test');

it('publishes what is valid in its order, and puts the rest on record as dead letters', async () => {
  const { source, intake, eventLog, counts, bridge } = open();
  source.publish(alert(1), 'ping', alert(2), { tenant_id: 'south', ...alert(3) });
  await eventually(() => expect(intake.confirmed.map(({ title }) => title)).toEqual(['n1', 'n2']));
  await bridge.stop();
  expect(eventLog.letters.map(({ reason }) => reason)).toEqual(['invalid_json', 'tenant_forbidden']);
  expect(await counts()).toEqual({ published: 2, refused: 2 });
});

it('counts an entry of a log, and publishes nothing', async () => {
  const { source, intake, eventLog, counts, bridge } = open();
  source.publish({ tenant_id: 'north', seq: 1, alert_id: 'a', change: 'raised', service: 'oven', title: 'x' });
  await bridge.stop();
  expect([intake.calls, eventLog.letters]).toEqual([0, []]);
  expect(await counts()).toEqual({ own_entry: 1 });
});

it('waits for a queue that is away, and for messages that it did not confirm, under the same ids', async () => {
  const { source, intake, counts, bridge, said } = open();
  intake.trouble = away;
  source.publish({ service: 'oven', title: 'without an id' }, alert(1));
  await eventually(() => expect(intake.calls).toBeGreaterThan(1));
  intake.trouble = () => undefined;
  const tried: string[] = [];
  intake.fails = ({ id }) => tried.push(id) <= 2;
  await eventually(() => expect(intake.confirmed).toHaveLength(2));
  // the first one failed twice, and kept the id that it was given
  expect(tried).toEqual([tried[0], tried[0], tried[0], 'id-1']);
  await bridge.stop();
  expect(await counts()).toEqual({ published: 2 });
  expect(said()).toEqual([
    'plain messages wait: the queue or the log does not take them',
    'plain messages are settled again',
  ]);
});

it('publishes plain messages of many alerts each, although the queue takes few at once', async () => {
  const { source, intake, counts, bridge, said } = open();
  intake.room = 500;
  const lists = [0, 1, 2].map((list) => Array.from({ length: 400 }, (_, n) => alert(400 * list + n)));
  source.publish(...lists);
  await eventually(() => expect(intake.confirmed).toHaveLength(1_200));
  expect(intake.confirmed.map(({ id }) => id)).toEqual(lists.flat().map(({ id }) => id));
  await bridge.stop();
  expect([await counts(), said()]).toEqual([{ published: 1_200 }, []]);
});

it('drops what has no room while the queue is away, by number and by bytes, and says so once', async () => {
  const { source, intake, counts, bridge, said } = open({ messages: 3, bytes: 1_000 });
  intake.trouble = away;
  source.publish(alert(0));
  await eventually(() => expect(intake.calls).toBe(1));
  // one is in hand, and three wait
  source.publish(...[1, 2, 3, 4, 5].map((n) => alert(n)));
  expect(await counts()).toEqual({ dropped: 2 });
  intake.trouble = () => undefined;
  await eventually(() => expect(intake.confirmed.map(({ id }) => id)).toEqual(['id-0', 'id-1', 'id-2', 'id-3']));
  source.publish(alert(6, { message: 'x'.repeat(1_000) }), alert(7));
  await eventually(() => expect(intake.confirmed.at(-1)?.id).toBe('id-7'));
  await bridge.stop();
  expect(await counts()).toEqual({ dropped: 3, published: 5 });
  expect(said().filter((line) => line === 'plain messages are dropped: too many wait')).toHaveLength(1);
  expect(said()).toContain('plain messages were dropped: too many waited');
});

it('waits for a log that is away with its dead letters, and gives up the one letter that the log refuses', async () => {
  const { source, eventLog, counts, bridge, said } = open();
  let failures = 2;
  eventLog.buryTrouble = (letters) => {
    if (failures-- > 0) return new Unavailable('log', 'a test');
    return letters.some(({ body }) => body.toString() === 'bad') ? new Refused('store_failed', 'a test') : undefined;
  };
  source.publish('ping', 'bad', 'pong');
  await eventually(() => expect(eventLog.letters.map(({ body }) => body.toString())).toEqual(['ping', 'pong']), 10_000);
  await bridge.stop();
  expect(await counts()).toEqual({ refused: 3 });
  expect(said()).toContain('a dead letter could not be put on record');
});

it('publishes what it has before it ends, and hears nothing more', async () => {
  const { source, intake, bridge } = open();
  source.publish(...[1, 2, 3].map((n) => alert(n)));
  await bridge.stop();
  source.publish(alert(4));
  expect(intake.confirmed).toHaveLength(3);
});

it('ends although the queue is away, and says what it drops', async () => {
  const { source, intake, counts, bridge, said } = open();
  intake.trouble = away;
  source.publish(alert(0));
  await eventually(() => expect(intake.calls).toBe(1));
  source.publish(alert(1), alert(2));
  await bridge.stop();
  expect(await counts()).toEqual({ dropped: 3 });
  expect(said()).toContain('plain messages were dropped: the process ends');
}, 15_000);
