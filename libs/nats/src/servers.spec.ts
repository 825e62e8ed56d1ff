import { serversOf } from './servers';

it.each([
  ['nats://one', { servers: ['one:4222'] }],
  ['nats://u%40x:p%3Aw@one:4333, nats://two', { servers: ['one:4333', 'two:4222'], user: 'u@x', pass: 'p:w' }],
  ['tls://token@one', { servers: ['one:4222'], token: 'token', tls: {} }],
  ['nats://[::1]:4222', { servers: ['[::1]:4222'] }],
])('%s', (list, options) => {
  expect(serversOf(list)).toEqual(options);
});
