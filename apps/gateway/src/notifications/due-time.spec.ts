import { Refused } from '@tocsin/contracts';
import { dueTimeOf, TZ_VERSION, type TimeAsked } from './due-time';

const NOW = Date.parse('2027-01-15T12:00:00.000Z');
const due = (asked: TimeAsked) => dueTimeOf(asked, NOW).due_at;
const refusal = (asked: TimeAsked): [string, string | undefined] => {
  try {
    return [String(due(asked)), undefined];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return [error.code, error.details.errors![0]!.pointer];
  }
};
const berlin = (date: string, time: string, fold?: 'earlier' | 'later') => ({
  local: { date, time, time_zone: 'Europe/Berlin', ...(fold && { fold }) },
});

test('without a time it is now', () => {
  expect(dueTimeOf({}, NOW)).toEqual({ due_at: null, asked_for: null });
});

test('an instant follows its offset, and is stored as it was written', () => {
  expect(dueTimeOf({ at: '2027-02-01T09:00:00+05:30' }, NOW)).toEqual({
    due_at: '2027-02-01T03:30:00.000Z',
    asked_for: null,
  });
});

test('a local time becomes an instant by the rules of that day, winter or summer', () => {
  expect(due(berlin('2027-02-01', '09:00'))).toBe('2027-02-01T08:00:00.000Z');
  expect(due(berlin('2027-07-01', '09:00:30'))).toBe('2027-07-01T07:00:30.000Z');
  expect(due({ local: { date: '2027-02-01', time: '09:00', time_zone: 'Asia/Kathmandu' } })).toBe(
    '2027-02-01T03:15:00.000Z',
  );
});

test('the local time stays beside the instant, with the canonical zone and the version of the rules', () => {
  const local = { date: '2027-02-01', time: '09:00', time_zone: 'europe/berlin' };
  expect(dueTimeOf({ local }, NOW).asked_for).toEqual({
    local: { ...local, time_zone: 'Europe/Berlin' },
    tz: process.versions.tz,
  });
  expect(TZ_VERSION).toMatch(/^20\d\d[a-z]$/);
});

test('N days before a date are days of the calendar: the hour stays the same when the clocks change between', () => {
  const before = { date: '2027-03-29', days: 2, time: '09:00', time_zone: 'Europe/Berlin' };
  expect(due({ before })).toBe('2027-03-27T08:00:00.000Z');
  expect(due({ before: { ...before, days: 0 } })).toBe('2027-03-29T07:00:00.000Z');
  // across the end of February, and of a year
  expect(due({ before: { date: '2028-03-01', days: 1, time: '00:00', time_zone: 'UTC' } })).toBe(
    '2028-02-29T00:00:00.000Z',
  );
});

test('a time that the clocks skip is refused, and not moved to the end of the gap as in cron libraries', () => {
  expect(refusal(berlin('2027-03-28', '02:30'))).toEqual(['time_does_not_exist', '/local/time']);
  expect(refusal(berlin('2027-03-28', '02:00'))).toEqual(['time_does_not_exist', '/local/time']);
  expect(due(berlin('2027-03-28', '01:59'))).toBe('2027-03-28T00:59:00.000Z');
  expect(due(berlin('2027-03-28', '03:00'))).toBe('2027-03-28T01:00:00.000Z');
  expect(() => due(berlin('2027-03-28', '02:30'))).toThrow('03:30:00 exists');
  expect(refusal({ before: { date: '2027-03-29', days: 1, time: '02:30', time_zone: 'Europe/Berlin' } })).toEqual([
    'time_does_not_exist',
    '/before/time',
  ]);
});

test('a time that comes twice means the first one, unless fold is later', () => {
  expect(due(berlin('2027-10-31', '02:30'))).toBe('2027-10-31T00:30:00.000Z');
  expect(due(berlin('2027-10-31', '02:30', 'earlier'))).toBe('2027-10-31T00:30:00.000Z');
  expect(due(berlin('2027-10-31', '02:30', 'later'))).toBe('2027-10-31T01:30:00.000Z');
  expect(due(berlin('2027-07-01', '02:30', 'later'))).toBe('2027-07-01T00:30:00.000Z');
});

test('half an hour counts too: Lord Howe moves its clocks by 30 minutes', () => {
  const local = (date: string, time: string) => ({ local: { date, time, time_zone: 'Australia/Lord_Howe' } });
  expect(refusal(local('2027-10-03', '02:15'))).toEqual(['time_does_not_exist', '/local/time']);
  expect(due(local('2027-10-03', '02:30'))).toBe('2027-10-02T15:30:00.000Z');
});

test.each([
  'Mars/Olympus',
  'Europe/Nowhere',
  '+02:00',
  '-05:00',
  '',
  ' Europe/Berlin',
  'Europe/Berlin[u-ca=hebrew]',
  '2027-01-01T00:00Z[Europe/Berlin]',
])('no time zone is called %j', (time_zone) => {
  expect(refusal({ local: { date: '2027-02-01', time: '09:00', time_zone } })).toEqual([
    'unknown_time_zone',
    '/local/time_zone',
  ]);
});

test.each(['CET', 'EET', 'MET', 'WET', 'EST', 'MST', 'HST', 'EST5EDT', 'GMT'])(
  'what %s means depends on the program, so a place is asked for',
  (time_zone) => {
    expect(refusal({ before: { date: '2027-02-01', days: 1, time: '09:00', time_zone } })).toEqual([
      'ambiguous_time_zone',
      '/before/time_zone',
    ]);
  },
);

test('a day that the calendar does not have is refused', () => {
  expect(refusal(berlin('2027-02-29', '09:00'))).toEqual(['invalid_field', '/local/date']);
  expect(refusal(berlin('2027-13-01', '09:00'))).toEqual(['invalid_field', '/local/date']);
});

test('a time up to a minute in the past is accepted; an earlier one, and one over two years ahead, is refused', () => {
  const at = (ms: number) => ({ at: new Date(NOW + ms).toISOString() });
  expect(refusal(at(-60_000))[0]).toBe('2027-01-15T11:59:00.000Z');
  expect(refusal(at(-60_001))).toEqual(['time_in_past', '/at']);
  expect(refusal(berlin('2027-01-15', '12:00'))).toEqual(['time_in_past', '/local']);
  expect(refusal(at(731 * 86_400_000))[1]).toBeUndefined();
  expect(refusal(at(731 * 86_400_000 + 1))).toEqual(['time_too_far', '/at']);
});

// Zones whose clocks change by half an hour, by two hours, at midnight, for Ramadan, or from summer time that is
// negative.
describe.each([
  'Africa/Casablanca',
  'Africa/Cairo',
  'America/Nuuk',
  'America/Santiago',
  'America/St_Johns',
  'Antarctica/Troll',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Europe/Dublin',
  'Pacific/Chatham',
])('in %s', (time_zone) => {
  const HOUR = 3_600_000;
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: time_zone, dateStyle: 'short', timeStyle: 'medium' });
  /** What the clocks of the zone show, by Intl and not by what is tested. */
  const shown = (instant: number) => clock.format(instant).replace(' ', 'T');
  const offset = (instant: number) => Date.parse(`${shown(instant)}Z`) - instant;
  const changes = () => {
    const found: { before: number; after: number; at: number }[] = [];
    for (let at = Date.UTC(2027, 0, 1); at < Date.UTC(2028, 0, 1); at += HOUR)
      if (offset(at) !== offset(at + HOUR)) found.push({ at, before: offset(at), after: offset(at + HOUR) });
    return found;
  };

  test('each time around each change of the clocks is the instant at which they show it, or is refused', () => {
    const seen = { never: 0, once: 0, twice: 0 };
    for (const { at, before, after } of changes())
      for (let wall = at + before - 4 * HOUR; wall < at + after + 4 * HOUR; wall += HOUR / 12) {
        const said = new Date(wall).toISOString().slice(0, 19);
        const [date, time] = said.split('T') as [string, string];
        const instants = [...new Set([wall - before, wall - after])].filter((one) => shown(one) === said).sort();
        const asked = (fold: 'earlier' | 'later') => refusal({ local: { date, time, time_zone, fold } });
        if (instants.length === 0) {
          seen.never += 1;
          expect(asked('earlier')).toEqual(['time_does_not_exist', '/local/time']);
          expect(asked('later')).toEqual(['time_does_not_exist', '/local/time']);
        } else {
          seen[instants.length === 1 ? 'once' : 'twice'] += 1;
          expect(asked('earlier')).toEqual([new Date(instants[0]!).toISOString(), undefined]);
          expect(asked('later')).toEqual([new Date(instants.at(-1)!).toISOString(), undefined]);
        }
      }
    expect(Math.min(seen.never, seen.once, seen.twice)).toBeGreaterThanOrEqual(6);
  });
});

test('a day that a place has skipped does not exist at any time: Samoa had no 30 December 2011', () => {
  for (const time of ['00:00', '12:00', '23:59'])
    expect(() =>
      dueTimeOf({ local: { date: '2011-12-30', time, time_zone: 'Pacific/Apia' } }, Date.UTC(2011, 11, 29)),
    ).toThrow(expect.objectContaining({ code: 'time_does_not_exist' }) as Error);
});
