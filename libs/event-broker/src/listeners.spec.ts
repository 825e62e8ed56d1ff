import { EventBroker } from './event-broker';
import { eventually } from './testing/broker-events';

const CREATE = 'public.users.create';

// Listeners are code of the service, and may fail. An unhandled rejection would end its process.

const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);
beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));

const throws = () => {
  throw new Error('pager away');
};
const rejects = async () => throws();
/** Node reports unhandled rejections when the microtasks are done. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe.each([
  ['throws', throws],
  ['rejects', rejects],
])('a listener that %s', (_, listener) => {
  it.each(['sync', 'async'] as const)('%s: of dead letters or metrics ends nothing, and is told', async (mode) => {
    const troubles: unknown[] = [];
    const broker = new EventBroker({
      mode,
      workerCount: 1,
      retryPolicy: { maxRetries: 0 },
      onDeadLetter: listener,
      metrics: { published: listener, processed: listener, observeQueue: () => undefined },
      onTrouble: (error) => troubles.push(error),
    });
    broker.subscribe(CREATE, () => Promise.reject(new Error('no mail server')));
    await broker.start();
    for (let count = 0; count < 2; count += 1) await broker.publish({ type: CREATE });
    await eventually(async () => (await broker.stats()).total_failed === 2 || undefined);
    await nextTurn();
    expect(troubles.map(String)).toEqual(Array(6).fill('Error: pager away'));
    expect(await broker.deadLetters()).toHaveLength(2);
    expect(await broker.stats()).toMatchObject({ active_workers: 0, queue_size: 0, total_published: 2 });
    await broker.stop();
    expect(unhandled).toEqual([]);
  });

  it('of troubles is not heard of, and ends nothing', async () => {
    const broker = new EventBroker({ retryPolicy: { maxRetries: 0 }, onDeadLetter: listener, onTrouble: listener });
    broker.subscribe(CREATE, throws);
    await broker.start();
    await broker.publish({ type: CREATE });
    await eventually(async () => (await broker.stats()).total_failed === 1 || undefined);
    await nextTurn();
    await broker.stop();
    expect(unhandled).toEqual([]);
  });
});
