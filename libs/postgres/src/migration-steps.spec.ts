import type { NumberedMigration } from './migration-files';
import { stepsOf } from './migration-steps';

const migration = (number: number, kind: '' | 'online' | 'needs online' = ''): NumberedMigration => ({
  number,
  name: String(number),
  recordedAs: String(number),
  file: '',
  isOnline: kind === 'online',
  needsOnline: kind === 'needs online',
});
/** `1 2 f` is a transaction with the functions, `(3)` an online migration. */
const shown = (pending: NumberedMigration[], complete = true) =>
  stepsOf(pending, { complete }).map(({ isOnline, migrations, functions }) => {
    const words = [...migrations.map(({ name }) => name), ...(functions ? ['f'] : [])].join(' ');
    return isOnline ? `(${words})` : words;
  });

it.each([
  ['nothing is pending', [], ['f']],
  ['all are in transactions', [migration(1), migration(2)], ['1 2 f']],
  ['an online one is in between', [migration(1), migration(2, 'online'), migration(3)], ['1 3 f', '(2)']],
  [
    'a later one needs it',
    [migration(1), migration(2, 'online'), migration(3, 'needs online'), migration(4)],
    ['1', '(2)', '3 4 f'],
  ],
  [
    'two online ones, and the first is needed',
    [migration(1, 'online'), migration(2, 'needs online'), migration(3, 'online'), migration(4)],
    ['(1)', '2 4 f', '(3)'],
  ],
  ['only online ones', [migration(1, 'online'), migration(2, 'online')], ['f', '(1)', '(2)']],
])('the steps where %s', (_, pending, steps) => {
  expect(shown(pending)).toEqual(steps);
});

it('without the newest migration no step creates functions', () => {
  expect(shown([], false)).toEqual([]);
  expect(shown([migration(1), migration(2, 'online')], false)).toEqual(['1', '(2)']);
});
