import { settle } from './settled-order';

const never = () => false;
const always = () => true;
const row = (alert_id: string, told = '') => ({ alert_id, told });
const rows = (ids: string) => [...ids].map((id) => row(id));
const ids = (list: readonly { alert_id: string }[]) => list.map(({ alert_id }) => alert_id).join('');
const settled = (
  shown: string,
  wanted: string,
  mayMove: boolean,
  lingers: (row: { alert_id: string }) => boolean = never,
) => {
  const { rows: settledRows, fresh, left } = settle(rows(shown), rows(wanted), mayMove, lingers);
  return [ids(settledRows), ids(fresh), ids(left)];
};

test('a list that may move shows exactly the wanted rows', () => {
  expect(settled('bc', 'acb', true)).toEqual(['acb', '', '']);
});

test('a list that must not move keeps its rows, and new rows wait', () => {
  expect(settled('bc', 'ac', false)).toEqual(['bc', 'a', 'b']);
  expect(settled('bc', 'abdc', false)).toEqual(['bc', 'ad', '']);
});

test('rows after the last one are added even to a list that must not move', () => {
  expect(settled('bc', 'abcde', false)).toEqual(['bcde', 'a', '']);
  expect(settled('bc', 'abd', false)).toEqual(['bcd', 'a', 'c']);
});

test('a row that left lingers where it was', () => {
  expect(settled('abc', 'xac', true, ({ alert_id }) => alert_id === 'b')).toEqual(['xabc', '', 'b']);
  expect(settled('ab', 'b', true, always)).toEqual(['ab', '', 'a']);
  expect(settled('ab', 'b', true)).toEqual(['b', '', '']);
  expect(settled('abcd', 'd', true, always)).toEqual(['abcd', '', 'abc']);
});

test('rows that are not shown yet are simply shown', () => {
  expect(settled('', 'a', false)).toEqual(['a', '', '']);
});

test('each row is the alert as it is now, wherever it stands', () => {
  for (const mayMove of [true, false]) {
    const { rows: now } = settle(rows('abc'), [row('a', 'new'), row('b'), row('c', 'new')], mayMove, never);
    expect(now.map(({ told }) => told)).toEqual(['new', '', 'new']);
  }
});
