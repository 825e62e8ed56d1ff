import { closeFrame, controlFrame, endOfFrame } from './control-frame';
import { read } from './testing/read-frames';

it('an id that could break out of its line is refused, and an empty one too', () => {
  for (const id of ['a\nb', 'a\rb', 'a\0b', 'a b', '', 'é']) expect(() => endOfFrame(id)).toThrow();
  expect(endOfFrame(undefined)).toBe('\n');
});

it('close says what to do, and a control frame without a position has no id line', () => {
  const { events, retry } = read(closeFrame('token_expired', 2_500.4, 'e1-1-abcdefgh'));
  expect(events).toEqual([
    {
      id: 'e1-1-abcdefgh',
      event: 'close',
      data: '{"reason":"token_expired","action":"reauthenticate","retry_ms":2500}',
    },
  ]);
  expect(retry).toEqual([2500]);
  const heartbeat = controlFrame('heartbeat', { server_time: 'now', checked_at: 'then' }, { retryMs: 2000.7 });
  expect(heartbeat.toString()).not.toMatch(/^id:/m);
  expect(read(heartbeat).retry).toEqual([2001]);
});
