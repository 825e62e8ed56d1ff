import { ALERT_STATUSES, SEVERITIES } from '@tocsin/contracts/wire';
import { complete } from './complete';
import { COMMANDS } from './run-cli';

const words = (...line: string[]) => complete(COMMANDS, line).candidates.map(({ word }) => word);

it('completes the names of all commands, help and the flags', () => {
  expect(words('')).toEqual([...COMMANDS.map(({ name }) => name), 'help']);
  expect(words('de')).toEqual(['demo', 'dead-letters', 'deliveries']);
  expect(words('--')).toEqual(['--help', '--version']);
  expect(words('help', 'tok')).toEqual(['token']);
  expect(words('frobnicate', '')).toEqual([]);
});

it.each(COMMANDS.map((command) => [command.name, command] as const))(
  '%s: completes each action, each option and each value, with what the help says of them',
  (name, { actions = {}, options }) => {
    const before = [name, ...Object.keys(actions).slice(0, 1)];
    if (Object.keys(actions).length > 0) expect(words(name, '')).toEqual(Object.keys(actions));
    const { candidates } = complete(COMMANDS, [...before, '--']);
    expect(candidates).toEqual([
      ...Object.entries(options).map(([option, { about }]) => ({ word: `--${option}`, about })),
      { word: '--help', about: 'Shows this help.' },
    ]);
    for (const [option, { values, isFile, type }] of Object.entries(options)) {
      if (type === 'boolean') continue;
      const completed = complete(COMMANDS, [...before, `--${option}`, '']);
      expect(completed.candidates.map(({ word }) => word)).toEqual(values ?? []);
      expect(completed.files).toBe(isFile === true);
    }
  },
);

it('completes the last of several values, after a space as after =', () => {
  expect(words('tail', '--severity', 'urgent,h')).toEqual(['urgent,high']);
  expect(words('tail', '--severity', 'urgent,')).toEqual(['urgent,high', 'urgent,medium', 'urgent,low']);
  expect(words('alerts', 'list', '--status=')).toEqual(ALERT_STATUSES.map((status) => `--status=${status}`));
  expect(words('token', '--scope', 'alerts:')).toEqual(['alerts:read', 'alerts:write']);
});

it('offers an option once, unless it may be given several times, and none after --', () => {
  expect(words('publish', '--json', '--j')).toEqual([]);
  expect(words('publish', '--label', 'a=b', '--la')).toEqual(['--label']);
  expect(words('publish', '--', '--')).toEqual([]);
});

it('takes the value of an option for no action', () => {
  expect(words('alerts', '--severity', 'urgent', '')).toEqual(['list', 'ack', 'resolve']);
  expect(words('alerts', '--severity=urgent', 'r')).toEqual(['resolve']);
  expect(words('alerts', 'list', '--severity')).toEqual(['--severity']);
  expect(words('alerts', 'list', '--severity', '')).toEqual([...SEVERITIES]);
});
