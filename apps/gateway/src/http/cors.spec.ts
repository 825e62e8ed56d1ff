import { readSettings } from '@tocsin/settings';
import { gatewaySettings } from '../config';
import { corsFields, corsOptions, originFault } from './cors';

describe('CORS_ORIGINS', () => {
  const read = (value: string) => readSettings(gatewaySettings, { CORS_ORIGINS: value }).CORS_ORIGINS;

  test.each([
    ['', []],
    [' , ,', []],
    ['*', ['*']],
    ['http://localhost:3000', ['http://localhost:3000']],
    ['https://app.example.com , http://[::1]:3000', ['https://app.example.com', 'http://[::1]:3000']],
    ['https://xn--bckerei-5wa.example', ['https://xn--bckerei-5wa.example']],
    ['capacitor://localhost,tauri://localhost', ['capacitor://localhost', 'tauri://localhost']],
    ['chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai', ['chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai']],
  ])('takes %p', (value, origins) => {
    expect(read(value)).toEqual(origins);
  });

  test.each([
    'null',
    'https://a.example,null',
    'https://*.example.com',
    '*.example.com',
    'https://*',
    'http://localhost:*',
    '**',
    'https://example.com/*',
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://app.example.com?',
    'https://app.example.com#',
    'app.example.com',
    '//app.example.com',
    'localhost:3000',
    'https://',
    'https:app.example.com',
    'https://App.example.com',
    'HTTPS://app.example.com',
    'https://app.example.com:443',
    'http://app.example.com:80',
    'https://bäckerei.example',
    'https://user@app.example.com',
    'https://app.example.com:99999',
    'file://',
    'file:///home',
    'https://a.example https://b.example',
    'https://a.example;https://b.example',
    'undefined',
    '/',
    'NULL',
  ])('refuses %p at the start, by name', (value) => {
    expect(() => read(value)).toThrow(/CORS_ORIGINS/);
  });

  test('says which origin is wrong and why, and never prints its value', () => {
    expect(() => read('https://ok.example,https://secret:word@App.example.com')).toThrow(
      /CORS_ORIGINS .*origin 2: .*without a path/,
    );
    expect(() => read('https://App.example.com:443')).toThrow(/lower case/);
    expect(() => read('https://secret:word@a.example')).not.toThrow(/secret/);
    expect(originFault('https://app.example.com')).toBeUndefined();
  });
});

test('a page reads the headers that the documents speak of', () => {
  for (const name of ['ETag', 'Location', 'Retry-After', 'Tocsin-Cursor'])
    expect([name, corsOptions([]).exposedHeaders.includes(name)]).toEqual([name, true]);
});

test('headers that bypass Express equal those of Express', () => {
  expect(corsFields(['https://a.example'], 'https://b.example')).not.toContain('Allow-Origin: ');
  expect(corsFields(['https://a.example'], 'null')).not.toContain('Allow-Origin: ');
  expect(corsFields(['https://a.example'], 'https://a.example')).toContain(
    'Access-Control-Allow-Origin: https://a.example\r\n',
  );
  expect(corsOptions(['https://a.example'])).toMatchObject({ origin: ['https://a.example'], credentials: true });
  expect(corsOptions(['*'])).toMatchObject({ origin: '*', credentials: false });
});
