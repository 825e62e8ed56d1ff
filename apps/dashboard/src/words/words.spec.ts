import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIntl, type IntlShape } from 'react-intl';
import { deliveryWords } from '../detail/delivery-words';
import { pushWords } from '../settings/push-words';
import { hasWords, healthWords } from '../system/health-words';
import { refusedWords } from '../system/refused-words';
import { tenantWords } from '../tenants/tenant-words';
import { en } from './en';
import { es } from './es';
import { agoWords, mornings, spanWords, tomorrowAt, whenWords } from './time-words';

/** All placeholders that a text may have. */
const GAPS = [
  'about',
  'ago',
  'channel',
  'code',
  'commit',
  'count',
  'detail',
  'due',
  'host',
  'id',
  'left',
  'limit',
  'list',
  'minutes',
  'more',
  'n',
  'name',
  'of',
  'p50',
  'p99',
  'queue',
  'samples',
  'seconds',
  'service',
  'severity',
  'span',
  'streams',
  'taken',
  'tenant',
  'tenants',
  'term',
  'time',
  'title',
  'urgent',
  'user',
  'value',
  'version',
  'what',
  'why',
];
const gaps = (phrase: string) => GAPS.filter((name) => new RegExp(`\\{${name}[,}]`).test(phrase));

/** The texts of the whole page, and those of the parts that are loaded later. */
const ALL: [string, { en: Record<string, string>; es: Record<string, string> }][] = [
  ['page', { en, es }],
  ['deliveries', deliveryWords],
  ['health', healthWords],
  ['push messages', pushWords],
  ['refused messages', refusedWords],
  ['tenants', tenantWords],
];

test.each(ALL)('both languages have the same texts, in the same order, with the same placeholders: %s', (_, words) => {
  expect(Object.keys(words.es)).toEqual(Object.keys(words.en));
  for (const [id, phrase] of Object.entries(words.en)) expect([id, gaps(words.es[id]!)]).toEqual([id, gaps(phrase)]);
});

test('every dependency that a process can report has a name and says what its outage means, in each language', () => {
  const libs = join(__dirname, '../../../../libs');
  const reported = readdirSync(libs, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.module.ts'))
    .map((path) => readFileSync(join(libs, path), 'utf8'))
    .flatMap((source) => [...source.matchAll(/health\.add\(\s*'(\w+)'/g)].map(([, name]) => name!));
  expect(reported).toContain('postgres_session');
  expect(reported.filter((name) => !hasWords(name))).toEqual([]);
  for (const name of reported.filter(hasWords)) {
    // the sentences differ, unlike the names of products
    expect(healthWords.en[`away.${name}`]).not.toBe(healthWords.es[`away.${name}`]);
    if (healthWords.en[`name.${name}`] === healthWords.es[`name.${name}`])
      expect(healthWords.en[`name.${name}`]).toMatch(/^(PostgreSQL|Redis|RabbitMQ|NATS)$/);
  }
});

test('Spanish words agree with one and with several, also where a number is a lower bound', () => {
  const inSpanish = (messages: Record<string, string>, id: string, values: Record<string, string | number>) =>
    createIntl({ locale: 'es', messages }).formatMessage({ id }, values);
  const elsewhere = (count: number, more: string) =>
    inSpanish(tenantWords.es, 'elsewhere', { count, more, of: 1 }).replace(/ en .*/, '');
  expect([elsewhere(1, ''), elsewhere(3, ''), elsewhere(2000, '+')]).toEqual([
    '1 urgente',
    '3 urgentes',
    '2000+ urgentes',
  ]);
  expect([1, 2].map((left) => inSpanish(es, 'pill.catchingUp', { left }))).toEqual([
    'Poniéndose al día · queda 1',
    'Poniéndose al día · quedan 2',
  ]);
});

test.each(ALL)('every text can be formatted: %s', (_, words) => {
  const values = Object.fromEntries(GAPS.map((name) => [name, 2]));
  for (const [locale, messages] of Object.entries(words)) {
    const intl = createIntl({
      locale,
      messages,
      onError: (error) => {
        throw error;
      },
    });
    for (const id of Object.keys(messages)) expect(intl.formatMessage({ id }, values)).not.toBe('');
  }
});

describe('times', () => {
  const intl = createIntl({ locale: 'en', messages: en }) as unknown as IntlShape;
  const now = new Date(2026, 2, 5, 12).getTime();
  test.each([
    [30_000, 'now'],
    [4 * 60_000, '4 min'],
    [3 * 3_600_000, '3 h'],
  ])('%s ms ago is %s', (ms, words) => expect(agoWords(intl, now - ms, now)).toBe(words));

  const spanish = createIntl({ locale: 'es', messages: es }) as unknown as IntlShape;
  test.each([
    ['on the same day', new Date(2026, 2, 5, 23, 59), '23:59', '23:59'],
    ['just after midnight', new Date(2026, 2, 6, 0, 1), 'Fri 00:01', 'vie, 00:01'],
    ['six days ahead', new Date(2026, 2, 11, 18), 'Wed 18:00', 'mié, 18:00'],
    ['six days ago', new Date(2026, 1, 27, 8, 5), 'Fri 08:05', 'vie, 08:05'],
    ['a week ahead, when the weekday would be today’s', new Date(2026, 2, 12, 8), 'Mar 12, 08:00', '12 mar, 08:00'],
    ['a week ago', new Date(2026, 1, 26, 8), 'Feb 26, 08:00', '26 feb, 08:00'],
    ['in another year', new Date(2025, 11, 31, 8), 'Dec 31, 2025, 08:00', '31 dic 2025, 08:00'],
  ])('a time %s tells its day as far as it must', (_, at, english, inSpanish) => {
    expect([intl, spanish].map((one) => whenWords(one, at.getTime(), now))).toEqual([english, inSpanish]);
    for (const id of ['status.until', 'left.until', 'list.newSince', 'strip.deaf'] as const)
      expect(spanish.formatMessage({ id }, { time: inSpanish })).not.toMatch(/\blas /);
  });

  test('from a day on it is the date', () =>
    expect(agoWords(intl, new Date(2026, 2, 1, 14, 3).getTime(), now)).toBe('Mar 1, 14:03'));
  test('a clock that is ahead is now', () => expect(agoWords(intl, now + 5_000, now)).toBe('now'));
  test('a span takes its largest unit', () =>
    expect([5_000, 90_000, 2 * 86_400_000].map((ms) => spanWords(intl, ms))).toEqual(['5 s', '1 min', '2 d']));
  test.each([
    ['at night, this morning comes before tomorrow', 2, [new Date(2026, 2, 5, 8), new Date(2026, 2, 6, 8)]],
    ['from six on, there is only tomorrow', 6, [new Date(2026, 2, 6, 8)]],
  ])('%s', (_, hour, expected) =>
    expect(mornings(new Date(2026, 2, 5, hour).getTime()).map(({ at }) => new Date(at))).toEqual(expected),
  );
  test('tomorrow at eight is tomorrow', () => expect(new Date(tomorrowAt(8, now))).toEqual(new Date(2026, 2, 6, 8)));
});
