import type { ConnectionFrame } from '@tocsin/contracts';
import { aTenant } from '@tocsin/contracts/testing';
import type { EventStream } from '../live/event-stream';
import type { Client } from './identify-client';
import type { StreamRequest } from './stream-request';
import { TakePlace } from './take-place';

const connection = { verdict: 'fresh' } as ConnectionFrame;
const client = {
  right: { user_id: 'ana', expires_at: 7, claims: {} },
  memberships: [{ tenant_id: aTenant('north'), name: 'north', role: 'owner' }],
} as unknown as Client;
const ELSEWHERE = { credential: { kind: 'bearer', value: '' }, start: { kind: 'newest', count: 0 } };

/** Each step is recorded; `meanwhile` runs while the step of that name is running. */
function take({ request = {}, draining = false, meanwhile = {} as Record<string, () => void> } = {}) {
  const taken: string[] = [];
  const step = (name: string) => {
    taken.push(name);
    meanwhile[name]?.();
  };
  let ended: (() => void) | undefined;
  const stream = {
    closed: false,
    whenEnded: (listener: () => void) => (stream.closed ? listener() : (ended = listener)),
    closeAt: (at: number) => step(`close at ${at}`),
    rotateIn: (ms: number) => step(ms > 30 * 60_000 ? 'rotate within the hour' : 'rotate soon'),
    open: () => step('open'),
    end: () => {
      stream.closed = true;
      ended?.();
    },
  };
  const release = () => void taken.push('released');
  const place = new TakePlace(
    {
      admit: ({ user, address }) =>
        Promise.resolve(step(`admit ${user.split('\n').at(-1)!} ${address}`)).then(() => release),
    },
    { isDraining: draining, add: () => step('count') } as never,
    { begin: () => Promise.resolve(step('begin')).then(() => connection) } as never,
  );
  const result = place.of(
    stream as unknown as EventStream,
    client,
    { ...ELSEWHERE, ...request } as StreamRequest,
    '192.0.2.1',
  );
  return { taken, stream, result };
}
const ADMIT = expect.stringMatching(/^admit .*192\.0\.2\.1$/);

it('a stream is admitted, counted, and begins; the frame that is returned is sent first', async () => {
  const { taken, result } = take();
  expect(await result).toBe(connection);
  expect(taken).toEqual([ADMIT, 'close at 7', 'rotate within the hour', 'count', 'begin']);
});

it('an EventSource is answered before the log is asked', async () => {
  const { taken, result } = take({ request: { namesEventStream: true } });
  await result;
  expect(taken.slice(-2)).toEqual(['open', 'begin']);
});

it.each([
  { credential: { kind: 'ticket', value: '' } },
  { credential: { kind: 'cookie', value: '' } },
  { start: { kind: 'cursor', texts: ['e1-1-abcdefgh'] } },
])('the stream of a client that can resume is rotated sooner: %j', async (request) => {
  const { taken, result } = take({ request });
  await result;
  expect(taken).toContain('rotate soon');
});

it('a gateway that drains counts no stream any more', async () => {
  const { taken, result, stream } = take({ draining: true });
  await expect(result).rejects.toMatchObject({ code: 'draining' });
  expect(taken).toEqual([ADMIT]);
  stream.end();
  expect(taken).toEqual([ADMIT, 'released']);
});

it('a client that leaves while it is admitted gives its place back, and is not counted', async () => {
  const { taken, result, stream } = take();
  stream.end();
  expect(await result).toBeUndefined();
  expect(taken).toEqual([ADMIT, 'released']);
});

it('a client that leaves while its position is looked up is sent nothing', async () => {
  const { taken, result, stream } = take({ meanwhile: { begin: () => stream.end() } });
  expect(await result).toBeUndefined();
  expect(taken.slice(-2)).toEqual(['begin', 'released']);
});
