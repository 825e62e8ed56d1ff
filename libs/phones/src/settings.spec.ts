import { readSettings } from '@tocsin/settings';
import { publicUrlSetting } from './settings';

const read = (PUBLIC_URL: string) => readSettings(publicUrlSetting, { PUBLIC_URL }).PUBLIC_URL;

it('PUBLIC_URL loses its slash, and is an address of the web alone', () => {
  expect(read('https://tocsin.example.com/t/')).toBe('https://tocsin.example.com/t');
  for (const url of ['ftp://x', 'javascript:alert(1)', 'https://u:p@x', 'https://x?y', 'https://x/#y', 'x'])
    expect(() => read(url)).toThrow('PUBLIC_URL is not valid');
});
