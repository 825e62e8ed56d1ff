import { stepped } from './suggestions';

test.each([
  ['down', 1 as const, [0, 1, 2, -1, 0]],
  ['up', -1 as const, [2, 1, 0, -1, 2]],
])('the arrow %s goes from the text through all suggestions and back to the text', (_, step, expected) => {
  let active = -1;
  expect(expected.map(() => (active = stepped(active, step, 3)))).toEqual(expected);
});

test('the only suggestion is reached by both arrows', () =>
  expect([stepped(-1, 1, 1), stepped(-1, -1, 1)]).toEqual([0, 0]));
