import fc from 'fast-check';
import { aTenant } from '@tocsin/contracts/testing';
import { assignPositions, foreignPositions, formatCursor, parseCursor } from './cursor';

const at = (epoch: string, seq: number, fp = 'abcdefgh') => ({ epoch, seq, fp });
const [north, harbour] = [aTenant('north'), aTenant('harbour')];

it('what is formatted is parsed again, for one tenant and for several', () => {
  expect(formatCursor(new Map([[north, at('e1', 7)]]))).toBe('e1-7-abcdefgh');
  expect(parseCursor('e1-7-abcdefgh')).toEqual({ kind: 'positions', bare: at('e1', 7), byTenant: new Map() });
  const several = new Map([
    [north, at('e1', 7)],
    [harbour, at('e2', 0, '0')],
  ]);
  expect(formatCursor(several)).toBe('north=e1-7-abcdefgh;harbour=e2-0-0');
  expect(parseCursor(formatCursor(several))).toEqual({ kind: 'positions', bare: null, byTenant: several });
});

it.each([
  'x',
  'e1-7',
  'e1--1-abcdefgh',
  'e1-07-abcdefgh',
  'e1-99999999999999999-abcdefgh',
  'north=x',
  'no rth=e1-1-abcdefgh',
  ';',
  'e1-7-abcdefgh;e2-1-abcdefgh',
  'e1-0-abcdefgh',
  'e1-7-0',
  'north=e1-0-abcdefgh',
  'north=e1-1-abcdefgh;harbour=e2-0-zzzzzzzz',
  'e1-00-0',
  'e1-0-00000000',
  'a'.repeat(5_000),
])('%s is malformed, and does not throw', (text) => expect(parseCursor(text)).toEqual({ kind: 'malformed' }));

it('no cursor is of kind none', () => {
  expect(parseCursor(undefined)).toEqual({ kind: 'none' });
  expect(parseCursor('')).toEqual({ kind: 'none' });
});

it('never throws for any text, and 32 tenants with the longest ids fit', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseCursor(text)));
  const cursor = new Map(
    Array.from({ length: 32 }, (_, i) => [aTenant(`${i}`.padEnd(64, 'x')), at('0123456789', 999_999_999)]),
  );
  expect(parseCursor(formatCursor(cursor))).toEqual({ kind: 'positions', bare: null, byTenant: cursor });
});

describe("a tenant's part of a cursor", () => {
  const tenants = new Map([
    [north, 'e1'],
    [harbour, 'e2'],
  ]);
  const assign = (text: string, of = tenants) => [...assignPositions(parseCursor(text), of).values()];

  it('is found by name, and a tenant that is not named is new', () => {
    expect(assign('north=e1-7-abcdefgh')).toEqual([{ kind: 'position', position: at('e1', 7) }, { kind: 'none' }]);
    expect(assign('north=e1-7-abcdefgh;gone=e9-1-abcdefgh')).toEqual([
      { kind: 'position', position: at('e1', 7) },
      { kind: 'none' },
    ]);
  });

  it('without a name belongs to the only tenant, or to the one whose epoch it carries', () => {
    expect(assign('e9-7-abcdefgh', new Map([[north, 'e1']]))).toEqual([{ kind: 'position', position: at('e9', 7) }]);
    expect(assign('e2-7-abcdefgh')).toEqual([{ kind: 'none' }, { kind: 'position', position: at('e2', 7) }]);
  });

  it('is unusable when the cursor names none of the tenants, or is malformed', () => {
    expect(assign('other=e9-7-abcdefgh')).toEqual(Array(2).fill({ kind: 'unusable', reason: 'foreign_cursor' }));
    expect(assign('e9-7-abcdefgh')).toEqual(Array(2).fill({ kind: 'unusable', reason: 'foreign_cursor' }));
    expect(assign('garbage')).toEqual(Array(2).fill({ kind: 'unusable', reason: 'malformed_cursor' }));
  });
});

describe('of several cursors', () => {
  const tenants = new Map([
    [north, 'e1'],
    [harbour, 'e2'],
  ]);
  const assign = (texts: string[], of = tenants) => [...assignPositions(texts.map(parseCursor), of).values()];
  const only = new Map([[north, 'e1']]);
  const position = (seq: number, trusted?: number, epoch = 'e1') => ({
    kind: 'position',
    position: at(epoch, seq),
    ...(trusted === undefined ? {} : { trusted: at(epoch, trusted) }),
  });

  it.each<[string, string[], unknown[]]>([
    ['the furthest counts, the trusted one first', ['e1-9-abcdefgh', 'e1-7-abcdefgh'], [position(9)]],
    ['the furthest counts, the trusted one behind it', ['e1-7-abcdefgh', 'e1-9-abcdefgh'], [position(9, 7)]],
    [
      'the furthest counts, from any place',
      ['e1-7-abcdefgh', 'e1-3-abcdefgh', 'e1-9-abcdefgh', 'e1-8-abcdefgh'],
      [position(9, 7)],
    ],
    [
      'the beginning is the nearest',
      ['e1-0-0', 'e1-1-abcdefgh'],
      [{ kind: 'position', position: at('e1', 1), trusted: at('e1', 0, '0') }],
    ],
    ['of several histories the trusted one counts', ['e1-7-abcdefgh', 'e0-9-abcdefgh'], [position(7)]],
    [
      'of several histories the trusted one counts, also an old one',
      ['e0-7-abcdefgh', 'e1-9-abcdefgh'],
      [position(7, undefined, 'e0')],
    ],
    ['what is malformed does not hide what is not', ['garbage', 'e1-7-abcdefgh'], [position(7)]],
    ['what is malformed does not hide what is trusted', ['e1-7-abcdefgh', 'garbage'], [position(7)]],
    ['nothing but malformed ones is unusable', ['garbage', 'e1-7'], [{ kind: 'unusable', reason: 'malformed_cursor' }]],
    [
      'nothing but foreign ones is unusable',
      ['other=e9-1-abcdefgh', 'garbage'],
      [{ kind: 'unusable', reason: 'foreign_cursor' }],
    ],
    [
      'a bare and a named one are compared',
      ['e1-7-abcdefgh', 'north=e1-8-abcdefgh;harbour=e2-1-abcdefgh'],
      [position(8, 7)],
    ],
  ])('%s', (_, texts, expected) => expect(assign(texts, only)).toEqual(expected));

  it('each tenant has its own furthest', () => {
    expect(assign(['north=e1-7-abcdefgh;harbour=e2-9-abcdefgh', 'north=e1-8-abcdefgh;harbour=e2-3-abcdefgh'])).toEqual([
      position(8, 7),
      position(9, undefined, 'e2'),
    ]);
    expect(assign(['north=e1-7-abcdefgh', 'harbour=e2-3-abcdefgh'])).toEqual([
      position(7),
      position(3, undefined, 'e2'),
    ]);
    expect(assign(['north=e1-7-abcdefgh', 'e2-3-abcdefgh'])).toEqual([position(7), position(3, undefined, 'e2')]);
  });

  it('the parts of other tenants are kept apart, the furthest of each', () => {
    const foreign = (...texts: string[]) =>
      Object.fromEntries(foreignPositions(texts.map(parseCursor), new Set([north])));
    expect(foreign('north=e1-7-abcdefgh;harbour=e2-9-abcdefgh', 'harbour=e2-11-abcdefgh;third=e3-1-abcdefgh')).toEqual({
      harbour: at('e2', 11),
      third: at('e3', 1),
    });
    expect(foreign('harbour=e2-9-abcdefgh', 'harbour=e4-11-abcdefgh')).toEqual({ harbour: at('e2', 9) });
    expect(foreign('e2-9-abcdefgh', 'garbage', '')).toEqual({});
  });
});
