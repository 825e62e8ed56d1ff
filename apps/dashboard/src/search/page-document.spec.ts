import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSearch } from './search-syntax';

const document = readFileSync(join(__dirname, '../../../../docs/page.md'), 'utf8');
const sectionOf = (heading: string): string => new RegExp(`## ${heading}\n([^]*?)\n## `).exec(document)![1]!;
const quotedIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, quoted]) => quoted!);

test('every term of docs/page.md is understood, and none counts as a word', () => {
  const rows = sectionOf('Search')
    .split('\n')
    .filter((row) => row.startsWith('| `'));
  const terms = rows.flatMap((row) => quotedIn(row).filter((term) => /^-?[a-z.]+:\S/.test(term)));
  expect(terms.length).toBeGreaterThan(12);
  expect(terms.filter((term) => parseSearch(term).words.length > 0)).toEqual([]);
});

test('docs/page.md has the keys that the help shows', () => {
  const help = readFileSync(join(__dirname, '../settings/key-help.tsx'), 'utf8');
  const shown = [...help.matchAll(/^ {2}\['(.+?)',/gm)].map(([, keys]) =>
    keys!
      .split(' ')
      .filter((key) => key !== '·')
      .join(' '),
  );
  const told = sectionOf('Keys')
    .split('\n')
    .filter((row) => row.startsWith('| `'))
    .map((row) => quotedIn(row.split('|')[1]!).join(' '));
  expect(told.join(' ').split(' ').sort()).toEqual(shown.join(' ').split(' ').sort());
});
