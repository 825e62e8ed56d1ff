import { succeeds } from './other-tabs';
import { readToken, takeToken, tokenIn } from './session';

const NOW = 1_760_000_000_000;
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (claims: Record<string, unknown>) => `${encode({ alg: 'HS256' })}.${encode(claims)}.c2lnbmVk`;
const exp = NOW / 1_000 + 60;

test('a token says who its user is, how long it lasts and what it may do', () => {
  expect(
    readToken(token({ sub: 'x', user_id: 'josé@example.test', exp, scope: 'alerts:read alerts:write' }), NOW),
  ).toEqual({
    user: 'josé@example.test',
    expiresAt: NOW + 60_000,
    scopes: ['alerts:read', 'alerts:write'],
  });
});

test.each([
  '',
  'a.b',
  'a.b.c',
  'a.b.c.d',
  token({ exp }),
  token({ sub: 'ana' }),
  `${token({ sub: 'ana', exp })}${'x'.repeat(8_000)}`,
])('%.20s is malformed', (text) => {
  expect(readToken(text, NOW)).toBe('malformed');
});

test('a token past its `exp` has expired', () => {
  expect(readToken(token({ sub: 'ana', exp: NOW / 1_000 }), NOW)).toBe('expired');
});

function windowAt(url: string) {
  const kept = new Map<string, string>();
  const replaced: string[] = [];
  return {
    replaced,
    location: new URL(url) as unknown as Location,
    history: {
      state: null,
      replaceState: (_state: unknown, _title: string, to: string) => void replaced.push(to),
    } as unknown as History,
    sessionStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    } as unknown as Storage,
  };
}

test('a token in the fragment is kept for the tab and removed from the address, and the rest of the address stays', () => {
  const page = windowAt('http://localhost:8000/?view=mine#token=a.b.c&x=1');
  expect(takeToken(page)).toBe('a.b.c');
  expect(page.replaced).toEqual(['/?view=mine#x=1']);
});

test('without a token in the fragment the kept token counts, and the address is not changed', () => {
  const page = windowAt('http://localhost:8000/');
  expect(takeToken(page)).toBeNull();
  page.sessionStorage.setItem('tocsin.token', 'd.e.f');
  expect(takeToken(page)).toBe('d.e.f');
  expect(page.replaced).toEqual([]);
});

test('a token is found in a pasted text', () => {
  expect(tokenIn('  eyJ.aaa.b-_  ')).toBe('eyJ.aaa.b-_');
  expect(tokenIn('http://localhost:8000/#token=eyJ.aaa.bbb')).toBe('eyJ.aaa.bbb');
  expect(tokenIn('nonsense')).toBe('nonsense');
});

test('a token from another tab replaces one of the same user that expires sooner', () => {
  const [soon, later, ben] = [
    token({ sub: 'ana', exp: 100 }),
    token({ sub: 'ana', exp: 200 }),
    token({ sub: 'ben', exp: 300 }),
  ];
  expect(succeeds(later, soon)).toBe(true);
  for (const [next, before] of [
    [soon, later],
    [later, later],
    [ben, soon],
    ['nonsense', soon],
    [later, 'nonsense'],
  ] as const)
    expect(succeeds(next, before)).toBe(false);
});
