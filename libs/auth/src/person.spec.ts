import { issuerOf, personOf } from './person';

const of = (iss: unknown, user_id = 'ana') => personOf({ user_id, claims: iss === undefined ? {} : { iss } });

test('a person is an issuer and a name, and no other pair of them', () => {
  const pairs: [unknown, string][] = [
    [undefined, 'ana'],
    ['', 'ben'],
    ['i', 'ana'],
    ['j', 'ana'],
    ['i', 'ben'],
    ['ia', 'na'],
    ['i ', 'ana'],
    ['i\n', 'ana'],
    ['i\nana', 'x'],
    [1, 'ana'],
    ['1', 'ana'],
    [['i'], 'ana'],
    [{ i: 1 }, 'ana'],
    [true, 'ana'],
    ['\ud800', 'ana'],
    ['\u0000', 'ana'],
    ['x'.repeat(255), 'ana'],
    ['x'.repeat(256), 'ana'],
    ['x'.repeat(257), 'ana'],
  ];
  expect(new Set(pairs.map(([iss, user]) => of(iss, user))).size).toBe(pairs.length);
});

test('a token without an issuer, or with an empty one, is of one and the same', () => {
  expect([of(undefined), of(null), of('')]).toEqual(['ana', 'ana', 'ana']);
});

test("an issuer's name is short and storable for any token", () => {
  for (const iss of ['x'.repeat(5_000), '\u0000', '\ud800', { deep: { er: 1 } }, 'a\nb'])
    expect(issuerOf({ claims: { iss } })).toMatch(/^sha256:[0-9a-f]{64}$/);
});
