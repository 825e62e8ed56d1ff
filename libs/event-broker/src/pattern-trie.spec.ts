import { patternRegex, PatternTrie } from './pattern-trie';

const TYPES = ['public.users.create', 'public.users.update', 'public.posts.create', 'auth.sessions.create', 'tick'];

/** The five rows of the pattern table, and what lies between them. */
const ROWS: [string, string[]][] = [
  ['*', TYPES],
  ['public.users.*', ['public.users.create', 'public.users.update']],
  ['*.*.create', ['public.users.create', 'public.posts.create', 'auth.sessions.create']],
  ['public.*.*', ['public.users.create', 'public.users.update', 'public.posts.create']],
  ['public.users.create', ['public.users.create']],
  ['public.*', []],
  ['*.users.*', ['public.users.create', 'public.users.update']],
  ['tick', ['tick']],
];

describe('patterns', () => {
  it.each(ROWS)('%s matches by segment, in the tree and as a regular expression', (pattern, matching) => {
    const trie = new PatternTrie<string>();
    trie.add(pattern, 'found');
    expect(TYPES.filter((type) => trie.match(type).length > 0)).toEqual(matching);
    expect(TYPES.filter((type) => new RegExp(patternRegex(pattern)).test(type))).toEqual(matching);
  });

  it.each(['', 'public.', '.users', 'public.us*', '**', 'public.**', 'a b', 'public.users\n'])(
    '"%s" is refused: it would look as if it matched',
    (pattern) =>
      expect(() => new PatternTrie().add(pattern, 1)).toThrow(expect.objectContaining({ code: 'invalid_pattern' })),
  );

  it('values of several patterns are found together, each as often as it was added', () => {
    const trie = new PatternTrie<string>();
    for (const pattern of ['*', 'public.users.*', 'public.users.*', '*.*.create']) trie.add(pattern, pattern);
    expect([...trie.match('public.users.create')].sort()).toEqual([
      '*',
      '*.*.create',
      'public.users.*',
      'public.users.*',
    ]);
  });

  it('what was removed is not found, also after it was looked up, and removing it twice is said', () => {
    const trie = new PatternTrie<number>();
    trie.add('public.users.*', 1);
    expect(trie.match('public.users.create')).toEqual([1]);
    expect(trie.remove('public.users.*', 1)).toBe(true);
    expect(trie.match('public.users.create')).toEqual([]);
    expect(trie.remove('public.users.*', 1)).toBe(false);
    trie.add('*.users.*', 2);
    expect(trie.match('public.users.create')).toEqual([2]);
  });
});
