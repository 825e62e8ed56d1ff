import type { Alert, Change, GapReason } from '@tocsin/contracts/wire';
import type { AlertStream } from '../alert-stream';
import type { AlertsApi } from './alerts-api';
import { SeenAlerts } from './seen-alerts';

interface Heard {
  alert_id: string;
  change: Change;
  actor: string | null;
}

const alert = (last_seq: number, more: Partial<Alert> = {}) =>
  ({ alert_id: `alert-${last_seq}`, tenant_id: 'bakery', status: 'firing', last_seq, ...more }) as Alert;

/** A stream and an API of which only what is used here exists. */
function scene({ isFiltered = false, seen = [{ tenant_id: 'bakery', epoch: 'e', seq: 5 }] } = {}) {
  const listeners = new Map<string, (told: unknown) => void>();
  const told: unknown[] = [];
  let asked = 0;
  let isAway = false;
  const api = {
    seen: () => {
      asked += 1;
      return isAway ? Promise.reject(new Error('away')) : Promise.resolve({ tenants: seen });
    },
    markSeen: (cursor: unknown) => {
      told.push(cursor);
      return Promise.resolve({ tenants: [{ tenant_id: 'bakery', epoch: 'e', seq: 9 }] });
    },
  } as unknown as AlertsApi;
  const stream = {
    cursor: 'bakery:e:9' as string | null,
    on: (event: string, listener: (told: unknown) => void) => {
      listeners.set(event, listener);
      return () => undefined;
    },
  } as unknown as AlertStream;
  const alerts = new SeenAlerts(api, stream, isFiltered);
  alerts.attach();
  return {
    alerts,
    stream: stream as { cursor: string | null },
    told,
    asked: () => asked,
    goAway: (away: boolean) => (isAway = away),
    hear: (event: string, entry: Heard = { alert_id: '', change: 'raised', actor: null }) =>
      listeners.get(event)!(entry),
    gap: (...tenants: { tenant_id: string; reason: GapReason }[]) => listeners.get('gap')?.({ missed: null, tenants }),
    isUnseen: (one: Alert) => alerts.isUnseen(alerts.getSnapshot(), one),
    watch: () => new Promise<void>((resolve) => alerts.subscribe(resolve)),
  };
}

test('nothing counts as unseen until the position is known, and then what is firing and newer', async () => {
  const { isUnseen, watch } = scene();
  expect(isUnseen(alert(6))).toBe(false);
  await watch();
  expect([5, 6].map((seq) => isUnseen(alert(seq)))).toEqual([false, true]);
  expect(isUnseen(alert(6, { status: 'acknowledged' }))).toBe(false);
  // in a tenant of which the user has seen nothing, everything is unseen
  expect(isUnseen(alert(1, { tenant_id: 'mill' }))).toBe(true);
});

test('a position that could not be loaded is asked for again at the next connection', async () => {
  const { alerts, asked, goAway, hear, isUnseen, watch } = scene();
  goAway(true);
  const known = watch();
  await new Promise((resolve) => setImmediate(resolve));
  expect([asked(), alerts.getSnapshot().positions]).toEqual([1, null]);
  goAway(false);
  hear('connection');
  await known;
  expect([asked(), isUnseen(alert(6))]).toEqual([2, true]);
});

test('an alert that was looked at stays seen when it repeats, and is new when it rings again', async () => {
  const { alerts, hear, isUnseen, watch } = scene();
  await watch();
  alerts.see(['alert-6']);
  expect(isUnseen(alert(6))).toBe(false);
  hear('entry', { alert_id: 'alert-6', change: 'repeated', actor: null });
  expect(isUnseen(alert(6))).toBe(false);
  for (const change of ['reopened', 'severity_raised', 'unsnoozed'] as const) {
    hear('entry', { alert_id: 'alert-6', change, actor: null });
    expect(isUnseen(alert(6))).toBe(true);
    alerts.see(['alert-6']);
  }
});

test('a position in a log that was replaced hides nothing of the new one', async () => {
  const { gap, isUnseen, watch } = scene({
    seen: [
      { tenant_id: 'bakery', epoch: 'e', seq: 500 },
      { tenant_id: 'mill', epoch: 'e', seq: 500 },
    ],
  });
  await watch();
  const ofMill = alert(301, { tenant_id: 'mill' });
  gap({ tenant_id: 'bakery', reason: 'history_replaced' }, { tenant_id: 'mill', reason: 'retention' });
  expect([isUnseen(alert(301)), isUnseen(ofMill)]).toEqual([true, false]);
});

test('an answer from before the log was replaced counts for nothing, and is asked for again', async () => {
  const { alerts, asked, gap, isUnseen, watch } = scene();
  const known = watch();
  gap({ tenant_id: 'bakery', reason: 'history_replaced' });
  await known;
  expect(asked()).toBe(2);
  const told = alerts.seeAll();
  gap({ tenant_id: 'bakery', reason: 'history_replaced' });
  await told;
  expect(isUnseen(alert(1))).toBe(true);
});

test('seeing all before the stream has a position is told at its first connection, once', async () => {
  const { alerts, stream, told, hear, watch } = scene();
  await watch();
  stream.cursor = null;
  await alerts.seeAll();
  expect(told).toEqual([]);
  stream.cursor = 'bakery:e:9';
  hear('connection');
  hear('connection');
  expect(told).toEqual(['bakery:e:9']);
});

test('seeing all moves the position on the server, unless the stream leaves entries out', async () => {
  const whole = scene();
  await whole.watch();
  await whole.alerts.seeAll();
  expect([whole.told, whole.isUnseen(alert(9)), whole.isUnseen(alert(10))]).toEqual([['bakery:e:9'], false, true]);
  const part = scene({ isFiltered: true });
  await part.watch();
  await part.alerts.seeAll();
  expect([part.told, part.isUnseen(alert(9))]).toEqual([[], true]);
});
