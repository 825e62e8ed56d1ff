import fc from 'fast-check';
import { searchText, searchWords } from './wire';

test.each([
  ['  Low  flour Low ', ['Low', 'flour']],
  ['cold "oven 2"', ['cold', 'oven 2']],
  ['"oven 2"cold', ['oven 2', 'cold']],
  ['"a \\"b\\" c" d', ['a "b" c', 'd']],
  ['"C:\\temp files"', ['C:\\temp files']],
  ['C:\\temp', ['C:\\temp']],
  ['19" 20"', ['19"', '20"']],
  ['"oven 2', ['"oven', '2']],
  ['"" " "', []],
])('%s looks for %j', (q, words) => expect(searchWords(q)).toEqual(words));

test('words of any kind are read again as they were', () => {
  const word = fc
    .oneof(fc.string({ maxLength: 8 }), fc.stringMatching(/^["\\a ]{0,6}$/))
    .filter((one) => one.trim() !== '');
  fc.assert(fc.property(fc.uniqueArray(word), (words) => expect(searchWords(searchText(words))).toEqual(words)));
});
