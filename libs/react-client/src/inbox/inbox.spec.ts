import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHANGES } from '@tocsin/contracts/wire';
import { agoText, whenText } from './ago';
import { ENGLISH } from './english';
import { nameOf } from '../alerts/name-of';
import { wordsFor, type InboxFace } from './inbox-face';
import { changeText } from './inbox-history';
import { knownAt } from './inbox-list';
import { snoozeEnd } from './inbox-acts';
import { SPANISH } from './spanish';
import { anEntry } from '../testing/frames';
import { CLOSED } from '../stream/status';

const NOW = Date.UTC(2026, 2, 14, 12);

test.each([
  ['en', 5_000, 'now'],
  ['en', 3 * 60_000 + 59_000, '3 min. ago'],
  ['es', 2 * 3_600_000, 'hace 2 h'],
  ['en', -4_000, 'now'],
])('in %s, %d ms ago is "%s"', (locale, age, text) => {
  expect(agoText(locale, NOW - age, NOW)).toBe(text);
});

test.each([
  ['en', new Date(2026, 2, 13, 1), 'yesterday'],
  ['en', new Date(2026, 2, 12, 23), '2 days ago'],
  ['es', new Date(2026, 2, 12, 23), 'anteayer'],
])('in %s, one night ago and two nights ago are told apart (%#)', (locale, at, text) => {
  expect(agoText(locale, at.getTime(), new Date(2026, 2, 14, 2).getTime())).toBe(text);
});

test.each([
  ['today', new Date(2026, 2, 14, 9, 5), /^09:05$/],
  ['within six days', new Date(2026, 2, 13, 9, 5), /^Fri\W+09:05$/],
  ['in the coming six days', new Date(2026, 2, 20, 8), /^Fri\W+08:00$/],
  // today's weekday would be read as today
  ['in a week', new Date(2026, 2, 21, 12), /^21 Mar\W+12:00$/],
  ['in another year', new Date(2025, 11, 31, 23, 59), /^31 Dec 2025\W+23:59$/],
])('a time %s is written with as much of its day as it needs', (_, at, text) => {
  expect(whenText('en-GB', at.getTime(), new Date(2026, 2, 14, 12).getTime())).toMatch(text);
});

test('an empty list is known as far as the stream has told everything, or until it was loaded after that', () => {
  // the server was heard, and could not see what was new
  const status = { ...CLOSED, state: 'reconnecting' as const, reason: 'network', since: 41, lastHeardAt: 40 };
  expect(knownAt({ ...status, knownUntil: 30 }, 10)).toBe(30);
  expect(knownAt({ ...status, knownUntil: 30 }, 50)).toBe(50);
  expect(knownAt({ ...status, knownUntil: null }, 10)).toBe(10);
});

test.each([
  [ENGLISH, ['Assigned to Ben', 'Assigned to you', 'Unassigned']],
  [SPANISH, ['Asignada a Ben', 'Asignada a usted', 'Asignación retirada']],
])('the history says what was done, and not what a button would do (%#)', (words, texts) => {
  const face = { words, user: 'ana' } as InboxFace;
  const assigned = ['ben@bakery.test', 'ana', null].map((assignee) => anEntry(1, { change: 'assigned', assignee }));
  expect(assigned.map((entry) => changeText(face, entry))).toEqual(texts);
  const said = CHANGES.map((change) => changeText(face, anEntry(1, { change, assignee: 'ben' })));
  const buttons = [...Object.values(words.act), words.assignToMe, words.unassign, words.acknowledge];
  expect(said.filter((text) => text === '' || buttons.includes(text))).toEqual([]);
});

test('a snooze ends after the hours that its button says, or at eight on the next morning', () => {
  const evening = new Date(2026, 11, 31, 23, 30).getTime();
  expect(snoozeEnd('hour', evening) - evening).toBe(3_600_000);
  expect(snoozeEnd('hours', evening) - evening).toBe(4 * 3_600_000);
  expect(snoozeEnd('week', evening) - evening).toBe(7 * 24 * 3_600_000);
  expect(new Date(snoozeEnd('tomorrow', evening))).toEqual(new Date(2027, 0, 1, 8));
});

test('Spanish is built in for every Spanish locale, and English for the others', () => {
  for (const locale of ['es', 'es-AR', 'ES-mx']) expect(wordsFor(locale)).toBe(SPANISH);
  for (const locale of [undefined, 'en', 'de', 'est']) expect(wordsFor(locale)).toBe(ENGLISH);
});

test.each([
  [ENGLISH, 1, 0, false, 'Alerts: 1 new'],
  [ENGLISH, 50, 3, true, 'Alerts: at least 50 new, 3 urgent'],
  [SPANISH, 1, 1, false, 'Alertas: 1 nueva, 1 urgente'],
  [SPANISH, 50, 3, true, 'Alertas: al menos 50 nuevas, 3 urgentes'],
])('the bell says how many are new, and whether there may be more (%#)', (words, count, urgent, more, text) => {
  expect(words.unseen(count, urgent, more)).toBe(text);
});

test('Spanish translates the reasons that users meet, and keeps the sentence of the others', () => {
  expect(SPANISH.refused('The role of this user may only read.', 'role_forbidden')).toBe('Su rol solo permite leer.');
  expect(SPANISH.failed('The database is away.', 'store_unavailable')).toContain('The database is away.');
});

test('a mail address is shown as a name, and any other id as it is', () => {
  expect(['ana.lopez@example.test', 'ben', 'auth0|42'].map(nameOf)).toEqual(['Ana Lopez', 'ben', 'auth0|42']);
});

test('every rule of the style sheet begins with a class of the inbox, so that none reaches the page', () => {
  const css = readFileSync(join(__dirname, 'inbox.css'), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  // commas within :is() do not divide selectors
  const selectors = [...css.matchAll(/([^{}]+)\{/g)]
    .map(([, selector]) => selector!.trim())
    .filter((selector) => !selector.startsWith('@'))
    .flatMap((selector) => selector.split(/,(?![^(]*\))/).map((one) => one.trim()));
  expect(selectors.length).toBeGreaterThan(40);
  expect(selectors.filter((selector) => !selector.startsWith('.tocsin-'))).toEqual([]);
});

test('the README lists every variable of the style sheet', () => {
  const used = new Set(readFileSync(join(__dirname, 'inbox.css'), 'utf8').match(/--tocsin-[\w-]+/g));
  const listed = new Set(readFileSync(join(__dirname, '../../README.md'), 'utf8').match(/--tocsin-[\w-]+/g));
  expect([...listed].sort()).toEqual([...used].sort());
});
