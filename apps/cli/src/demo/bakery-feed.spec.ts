import { CHANNELS } from '@tocsin/contracts';
import { parseAlertMessage } from '@tocsin/messages';
import { SEVERITIES } from '@tocsin/contracts/wire';
import { bakeryFeed, type FeedItem, type FeedOptions } from './bakery-feed';

const DAYS = 5;
const told = (options: Partial<FeedOptions> = {}): FeedItem[] => {
  let ms = Date.parse('2026-01-02T05:00:00Z');
  const items: FeedItem[] = [];
  for (const item of bakeryFeed({
    seed: 7,
    tenants: ['north-bakery', 'harbour-cafe'],
    run: 'run',
    now: () => new Date((ms += 1_000)),
    ...options,
  })) {
    if (item.day > DAYS) return items;
    items.push(item);
  }
  return items;
};
const keyOf = ({ message: { tenant_id, service, dedup_key } }: FeedItem) =>
  dedup_key && `${tenant_id}/${service}/${dedup_key}`;

describe.each([1, 7, 4711])('with seed %i', (seed) => {
  test.each([[['north-bakery', 'harbour-cafe']], [['only-one']]] as [FeedOptions['tenants']][])(
    'for %j every message passes the strict parser and resolves only what is open',
    (tenants) => {
      const open = new Map<string, string>();
      let day = 1;
      for (const item of told({ seed, tenants })) {
        if (item.day !== day) expect([...open.keys()]).toEqual([]); // a day tells its stories completely
        day = item.day;
        const parsed = parseAlertMessage(Buffer.from(JSON.stringify(item.message)), {}, 'strict');
        expect(parsed).toMatchObject({ ok: true, unknown: [], understood: [] });
        const key = keyOf(item);
        if (item.message.status === 'resolved') expect(open.delete(key!)).toBe(true);
        else if (key) open.set(key, item.message.severity);
      }
    },
  );
});

test('a day has all severities and types, repeats, severities that rise, resolves, both tenants and buttons', () => {
  for (let day = 1; day <= DAYS; day += 1) {
    const items = told().filter((item) => item.day === day);
    const changes = new Set<string>();
    const open = new Map<string, string>();
    for (const item of items) {
      const key = keyOf(item);
      if (!key) continue;
      const { severity, status } = item.message;
      const before = open.get(key);
      if (status === 'resolved') changes.add('resolved');
      else if (before === severity) changes.add('repeated');
      else if (before)
        changes.add(SEVERITIES.indexOf(severity) < SEVERITIES.findIndex((one) => one === before) ? 'risen' : 'fallen');
      if (status === 'resolved') open.delete(key);
      else open.set(key, severity);
    }
    expect([...changes].sort()).toEqual(['repeated', 'resolved', 'risen']);
    const raised = items.filter(({ message }) => message.status !== 'resolved');
    expect(new Set(raised.map(({ message }) => message.severity))).toEqual(new Set(SEVERITIES));
    expect(new Set(items.map(({ message }) => message.type ?? 'alert'))).toEqual(
      new Set(['alert', 'recommendation', 'notification']),
    );
    expect(new Set(items.map(({ message }) => message.tenant_id))).toEqual(new Set(['north-bakery', 'harbour-cafe']));
    expect(items.some(({ message }) => message.service === 'inventory' && message.type === undefined)).toBe(true);
    expect(items.some(({ message }) => message.actions?.some(({ url }) => url))).toBe(true);
    expect(items.length).toBeGreaterThan(70);
  }
});

test('a day has one burst, of at least twenty alerts of one tenant', () => {
  for (let day = 1; day <= DAYS; day += 1) {
    const items = told().filter((item) => item.day === day);
    const first = items.findIndex(({ more }) => more);
    const last = items.findLastIndex(({ more }) => more) + 1;
    const burst = items.slice(first, last + 1);
    expect(burst.slice(0, -1).every(({ more }) => more)).toBe(true);
    expect(burst.length).toBeGreaterThanOrEqual(20);
    expect(first).toBeGreaterThan(10); // single alerts come before it
    expect(last).toBeLessThan(items.length - 10);
    expect(new Set(burst.map(({ message }) => message.tenant_id)).size).toBe(1);
  }
});

test('the same seed tells the same days, another one others; ids are those of the run and never twice', () => {
  const titles = (items: FeedItem[]) => items.map(({ message }) => message.title);
  expect(told()).toEqual(told());
  expect(titles(told({ run: 'other' }))).toEqual(titles(told()));
  expect(titles(told({ seed: 8 }))).not.toEqual(titles(told()));
  const ids = told().map(({ message }) => message.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => id.startsWith('run-'))).toBe(true);
});

test('its alerts have no recipients and no channels', () => {
  for (const { message } of told())
    expect(Object.keys(message)).not.toEqual(expect.arrayContaining(['recipients', 'channels', ...CHANNELS]));
});
