import { eventually } from '@tocsin/contracts/testing';
import { Unavailable, type TenantId } from '@tocsin/contracts';
import type { NotificationPlace, StartedNotifications } from '@tocsin/contracts/ports';
import { StartNotifications } from './start-notifications';

const NOTHING: StartedNotifications = { started: 0, deliveries: 0, left_over: false, next: null, refused: [] };

class PlayedNotifications {
  readonly asked: string[] = [];
  readonly finished: (NotificationPlace | null)[] = [];
  steps: (Partial<StartedNotifications> | Error)[] = [];
  takes: () => Promise<void> = async () => undefined;
  ends: (NotificationPlace | null)[] = [];
  async start(behind: string): Promise<StartedNotifications> {
    this.asked.push(behind);
    await this.takes();
    const step = this.steps.shift() ?? NOTHING;
    if (step instanceof Error) throw step;
    return { ...NOTHING, ...step };
  }
  async finish(behind: NotificationPlace | null): Promise<NotificationPlace | null> {
    this.finished.push(behind);
    return this.ends.shift() ?? null;
  }
}

/** A doorbell in one process: its own rings come back. */
class PlayedDoorbell {
  readonly listeners = new Set<() => void>();
  rings = 0;
  async ring(): Promise<void> {
    this.rings += 1;
    for (const listener of this.listeners) listener();
  }
  async onRing(listener: () => void) {
    this.listeners.add(listener);
    return { close: async () => void this.listeners.delete(listener) };
  }
}

let store: PlayedNotifications;
let doorbell: PlayedDoorbell;
let errors: unknown[];
let starting: StartNotifications;
const made = (everyMs = 60_000) =>
  new StartNotifications(store, doorbell, { error: (fields: unknown) => errors.push(fields) } as never, everyMs);
beforeEach(() => {
  store = new PlayedNotifications();
  doorbell = new PlayedDoorbell();
  errors = [];
  starting = made();
});
afterEach(() => starting.stop());

test('all that is due is started, slice by slice and round by round, and each step that made deliveries rings', async () => {
  store.steps = [
    { started: 1_000, deliveries: 1_000, left_over: true, next: 'm' },
    { started: 2, deliveries: 4, left_over: false, next: null },
    { started: 500, deliveries: 500, left_over: false, next: 'm' },
    NOTHING,
  ];
  expect(await starting.startDue()).toBe(1_502);
  expect(store.asked).toEqual(['', 'm', '', 'm']);
  expect(doorbell.rings).toBe(3);
});

test('others have the database after a step, for twice as long as it took', async () => {
  const stepMs = 20;
  store.steps = [1, 1].map((started) => ({ started, deliveries: started, left_over: true, next: null }));
  store.takes = () => new Promise((resolve) => setTimeout(resolve, stepMs));
  const begunAt = performance.now();
  await starting.startDue();
  // three steps and two rests; a timer may come a millisecond early
  expect(performance.now() - begunAt).toBeGreaterThanOrEqual(7 * (stepMs - 1));
});

test('a slow step holds up what is behind it for no longer than a run is apart from the next', async () => {
  starting = made(1);
  store.steps = [1, 1, 1].map((started) => ({ started, deliveries: started, left_over: true, next: null }));
  const stepMs = 200;
  let restedMs = 0;
  let endedAt: number | undefined;
  store.takes = async () => {
    if (endedAt !== undefined) restedMs += performance.now() - endedAt;
    await new Promise((resolve) => setTimeout(resolve, stepMs));
    endedAt = performance.now();
  };
  await starting.startDue();
  // four steps and three rests of 1 ms; uncapped, the rests would take six times a step
  expect(restedMs).toBeLessThan(3 * stepMs);
});

test('what other notifiers hold is left to them: a step that started nothing asks for no further round', async () => {
  store.steps = [{ started: 0, deliveries: 0, left_over: true, next: null }];
  expect(await starting.startDue()).toBe(0);
  expect(store.asked).toEqual(['']);
});

test('a ring starts what is due at once, and the own ring starts nothing', async () => {
  starting.start();
  await eventually(() => expect(store.finished).toHaveLength(1));
  store.steps = [{ started: 1, deliveries: 1, left_over: false, next: null }];
  await doorbell.ring();
  await eventually(() => expect(doorbell.rings).toBe(2));
  // time in which a run that the own ring had begun would be seen
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(store.asked).toEqual(['', '']);
});

test('however often it rings, notifications are ended no more often than without a ring', async () => {
  starting.start();
  for (let asked = 1; asked <= 5; asked += 1) {
    await eventually(() => expect(store.asked).toHaveLength(asked));
    await doorbell.ring();
  }
  await eventually(() => expect(store.asked).toHaveLength(6));
  expect(store.finished).toEqual([null]);
});

test('notifications are ended also while very many are started', async () => {
  starting = made(1);
  store.steps = Array.from({ length: 5 }, () => ({ started: 1, deliveries: 1, left_over: true, next: null }));
  store.takes = () => new Promise((resolve) => setTimeout(resolve, 5));
  await starting.startDue();
  expect(store.finished.length).toBeGreaterThan(0);
});

test('without a ring it looks by itself, and an outage of the store is waited for in silence', async () => {
  starting = made(5);
  store.steps = [new Unavailable('log', 'away'), new Error('a fault'), NOTHING];
  starting.start();
  await eventually(() => expect(store.asked.length).toBeGreaterThan(4));
  expect(errors).toEqual([{ err: new Error('a fault') }]);
});

test('a notification that the store refuses is named in the log', async () => {
  const refused = { tenant_id: 'bakery' as TenantId, notification_id: 'n', reason: '54000' };
  store.steps = [{ started: 3, refused: [refused] }];
  expect(await starting.startDue()).toBe(3);
  expect(errors).toEqual([refused]);
});

test('notifications are ended also when none can be started', async () => {
  store.steps = [new Error('a fault')];
  starting.start();
  await eventually(() => expect(store.finished).toEqual([null]));
  expect(errors).toEqual([{ err: new Error('a fault') }]);
});

test('ending goes on where the last run stopped, and begins again after the last one', async () => {
  starting = made(5);
  const place = (id: string) => ({ tenant_id: 'a', notification_id: id });
  store.ends = [...'1234567'].map(place);
  starting.start();
  await eventually(() => expect(store.finished.length).toBeGreaterThan(8));
  expect(store.finished.slice(0, 9)).toEqual([null, ...[...'1234567'].map(place), null]);
});

test('a stop ends the wait, begins nothing more and takes the bell away; it may be called twice', async () => {
  starting.start();
  starting.start();
  await eventually(() => expect(store.finished).toHaveLength(1));
  await Promise.all([starting.stop(), starting.stop()]);
  expect(doorbell.listeners.size).toBe(0);
  expect(store.asked).toHaveLength(1);
});
