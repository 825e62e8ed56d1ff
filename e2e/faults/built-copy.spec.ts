import { PatchDoesNotApply, patched } from './built-copy';

const patch = { file: 'a.js', search: 'if (a) return b;', replace: 'return $&;' };

describe('a patch', () => {
  it('replaces its place, however it is laid out, and by exactly what it says', () => {
    expect(patched('x;\nif (a)\n    return b;\ny;', patch)).toBe('x;\nreturn $&;\ny;');
  });

  it('that finds its place nowhere, or twice, does not apply', () => {
    expect(() => patched('if (a) return c;', patch)).toThrow(PatchDoesNotApply);
    expect(() => patched('if (a) return b; if (a) return b;', patch)).toThrow(/2 times in a\.js/);
  });
});
