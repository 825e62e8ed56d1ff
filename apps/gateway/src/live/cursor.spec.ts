import fc from 'fast-check';
import { aTenant } from '@tocsin/contracts/testing';
import { assignPositions, formatCursor, parseCursor } from './cursor';

const at = (epoch: string, seq: number, fp = 'abcdefgh') => ({ epoch, seq, fp });
const [north, harbour] = [aTenant('north'), aTenant('harbour')];

it('what is formatted is parsed again, for one tenant and for several', () => {
  expect(formatCursor(new Map([[north, at('e1', 7)]]))).toBe('e1-7-abcdefgh');
  expect(parseCursor('e1-7-abcdefgh')).toEqual({ kind: 'positions', bare: at('e1', 7), byTenant: new Map() });
  const several = new Map([[north, at('e1', 7)], [harbour, at('e2', 0, '0')]]);
  expect(formatCursor(several)).toBe('north=e1-7-abcdefgh;harbour=e2-0-0');
  expect(parseCursor(formatCursor(several))).toEqual({ kind: 'positions', bare: null, byTenant: several });
});

it.each(['x', 'e1-7', 'e1--1-abcdefgh', 'e1-07-abcdefgh', 'e1-99999999999999999-abcdefgh', 'north=x', 'no rth=e1-1-abcdefgh', ';', 'e1-7-abcdefgh;e2-1-abcdefgh', 'a'.repeat(5_000)])(
  '%s is malformed, and no error',
  (text) => expect(parseCursor(text)).toEqual({ kind: 'malformed' }),
);

it('no cursor is none', () => {
  expect(parseCursor(undefined)).toEqual({ kind: 'none' });
  expect(parseCursor('')).toEqual({ kind: 'none' });
});

it('never throws, whatever comes, and 32 tenants with the longest ids fit', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseCursor(text)));
  const cursor = new Map(Array.from({ length: 32 }, (_, i) => [aTenant(`${i}`.padEnd(64, 'x')), at('0123456789', 999_999_999)]));
  expect(parseCursor(formatCursor(cursor))).toEqual({ kind: 'positions', bare: null, byTenant: cursor });
});

describe("a tenant's part of a cursor", () => {
  const tenants = new Map([[north, 'e1'], [harbour, 'e2']]);
  const assign = (text: string, of = tenants) => [...assignPositions(parseCursor(text), of).values()];

  it('is found by name, and a tenant that is not named is new', () => {
    expect(assign('north=e1-7-abcdefgh')).toEqual([{ kind: 'position', position: at('e1', 7) }, { kind: 'none' }]);
    expect(assign('north=e1-7-abcdefgh;gone=e9-1-abcdefgh')).toEqual([{ kind: 'position', position: at('e1', 7) }, { kind: 'none' }]);
  });

  it('without a name belongs to the only tenant, or to the one whose epoch it carries', () => {
    expect(assign('e9-7-abcdefgh', new Map([[north, 'e1']]))).toEqual([{ kind: 'position', position: at('e9', 7) }]);
    expect(assign('e2-7-abcdefgh')).toEqual([{ kind: 'none' }, { kind: 'position', position: at('e2', 7) }]);
  });

  it('is unusable when the cursor names none of the tenants, or is none', () => {
    expect(assign('other=e9-7-abcdefgh')).toEqual(Array(2).fill({ kind: 'unusable', reason: 'foreign_cursor' }));
    expect(assign('e9-7-abcdefgh')).toEqual(Array(2).fill({ kind: 'unusable', reason: 'foreign_cursor' }));
    expect(assign('garbage')).toEqual(Array(2).fill({ kind: 'unusable', reason: 'malformed_cursor' }));
  });
});
