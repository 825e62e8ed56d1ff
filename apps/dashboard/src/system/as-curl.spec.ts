import { execFileSync } from 'node:child_process';
import type { RefusedMessageWithBody } from '@tocsin/contracts/wire';
import { asCurl, keyParts } from './as-curl';

const letter = (more: Partial<RefusedMessageWithBody>) =>
  ({
    tenant_id: 'bakery',
    routing_key: 'alert.high.oven.2',
    body: '{}',
    body_encoding: 'utf8',
    truncated: false,
    ...more,
  }) as RefusedMessageWithBody;

/** The words that a shell reads from a command, with `$TOKEN` unset. */
const words = (command: string): string[] =>
  execFileSync('sh', ['-c', command.replace(/^curl/, `printf '%s\\0'`)], { encoding: 'utf8', env: {} })
    .split('\0')
    .slice(0, -1);

test('the shell passes the body on as it is, and reads no token', () => {
  const body = `{"title": "it's $HOME \`id\` \\\\ \\"ü\\"\n@file"}`;
  expect(words(asCurl('https://a.example', letter({ body }))!)).toEqual([
    'https://a.example/api/v1/events?tenant=bakery&service=oven.2&severity=high',
    '-H',
    'Authorization: Bearer ',
    '-H',
    'Content-Type: application/json',
    '--data-raw',
    body,
  ]);
});

test('there is no command for bytes and for half a message', () => {
  expect(asCurl('', letter({ body_encoding: 'base64' }))).toBeNull();
  expect(asCurl('', letter({ truncated: true }))).toBeNull();
});

test('only a routing key of an alert says a severity and a service', () => {
  expect(keyParts('alert.low.shop')).toEqual({ severity: 'low', service: 'shop' });
  expect(keyParts('any.key')).toEqual({ severity: null, service: null });
  expect(keyParts(null)).toEqual({ severity: null, service: null });
});
