import { QueryFailedError } from 'typeorm';
import { QueueFull, Refused, Unavailable } from '@tocsin/contracts';
import { asQueueError, leavesConnectionUsable, remedyFor, translate } from './postgres-errors';

const failed = (code: string) =>
  Object.assign(new Error(`failed with ${code}`), { severity: 'ERROR', code, detail: 'Key (id)=(secret)' });

it.each(['40001', '40P01', '55P03', '0A000'])('%s is tried again', (code) =>
  expect(remedyFor(failed(code))).toBe('retry'),
);

it('a taken key in our schema is tried again, and is this input’s fault when that does not help', () => {
  const taken = Object.assign(failed('23505'), { schema: 'tocsin' });
  expect(remedyFor(taken)).toBe('retry');
  expect(translate(taken)).toBeInstanceOf(Refused);
  expect(remedyFor(Object.assign(failed('23505'), { schema: 'theirs' }))).toBe('refuse');
});

it('a statement timeout asks the database, and without that question is no fault of the input', () => {
  expect(remedyFor(failed('57014'))).toBe('ask');
  expect(translate(failed('57014'))).toBeInstanceOf(Unavailable);
});

it.each([
  '08006',
  '53100',
  '53300',
  '57P01',
  '57P03',
  '57014',
  '25006',
  '58030',
  'XX000',
  '28P01',
  '3D000',
  '42P01',
  '42501',
  '42883',
])('%s is the world’s fault', (code) => expect(translate(failed(code))).toBeInstanceOf(Unavailable));

it.each(['22P05', '22021', '22001', '23514', '54000', 'P0001'])("%s is this input's fault", (code) => {
  const translated = translate(failed(code));
  expect(translated).toBeInstanceOf(Refused);
  expect(translated).toMatchObject({ code: 'store_failed' });
});

it.each([
  ['53400', true], // what the inbox says at its bound
  ['53100', true],
  ['53300', false],
  ['57P01', false],
])('%s is, for the queue, that it is full: %s', (code, isFull) => {
  const error = asQueueError(translate(failed(code)));
  expect(error).toMatchObject({ role: 'queue', technology: 'postgres' });
  expect(error instanceof QueueFull).toBe(isFull);
});

it('an error without a SQLSTATE comes from the connection', () => {
  for (const error of [
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
    new Error('Query read timeout'),
    'nonsense',
  ]) {
    expect(translate(error)).toBeInstanceOf(Unavailable);
    expect(leavesConnectionUsable(error)).toBe(false);
  }
  expect(leavesConnectionUsable(failed('23505'))).toBe(true);
  expect(leavesConnectionUsable(failed('57P01'))).toBe(false);
});

it('no value of a statement gets into the error message, and the cause is kept without its parameters', () => {
  const wrapped = new QueryFailedError('select $1', ['a parameter'], failed('22001'));
  const translated = translate(wrapped);
  expect(translated.message).not.toMatch(/secret|parameter/);
  expect(translated.cause).toBe(wrapped.driverError);
});
