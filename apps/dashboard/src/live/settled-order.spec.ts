import { settle, waiting } from './settled-order';

const never = () => false;

test('a list that may move is the list that is wanted', () => {
  expect(settle(['b', 'c'], ['a', 'c', 'b'], true, never)).toEqual(['a', 'c', 'b']);
});

test('one that must not move keeps its rows, and what is new waits', () => {
  const shown = settle(['b', 'c'], ['a', 'c'], false, never);
  expect(shown).toEqual(['b', 'c']);
  expect(waiting(shown, ['a', 'c'])).toEqual(['a']);
});

test('what comes behind the last row is added all the same', () => {
  expect(settle(['b', 'c'], ['a', 'b', 'c', 'd', 'e'], false, never)).toEqual(['b', 'c', 'd', 'e']);
});

test('a row that left lingers where it was', () => {
  expect(settle(['a', 'b', 'c'], ['x', 'a', 'c'], true, (id) => id === 'b')).toEqual(['x', 'a', 'b', 'c']);
  expect(settle(['a', 'b'], ['b'], true, (id) => id === 'a')).toEqual(['a', 'b']);
  expect(settle(['a', 'b'], ['b'], true, never)).toEqual(['b']);
});

test('rows that are not shown yet are simply shown', () => {
  expect(settle([], ['a'], false, never)).toEqual(['a']);
});
