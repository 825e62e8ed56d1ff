import { createECDH, randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { generateVAPIDKeys } from 'web-push';
import type { PushTarget } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { Begins } from '../begins';
import { Breakers, FAILURES } from '../breakers';
import { Deliver } from '../deliver';
import { DueDeliveries } from '../due-deliveries';
import { InHand } from '../in-hand';
import { Settlements } from '../settlements';
import { aDelivery, MemoryQueue } from '../testing/memory-queue';
import { PushChannel } from './push.channel';
import { PushStandIn } from './testing/push-stand-in';

const USERS = 100;
const PLACES = 5;
/** How long an answer may take: long enough that a busy machine answers in time. */
const SILENT_MS = 2_000;

const log = createLogger({ app: 'test', level: 'silent' });
const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
const keys = generateVAPIDKeys();
const service = new PushStandIn(keys.publicKey);
const swallowed: Socket[] = [];
let silent: Server;
let due: DueDeliveries | undefined;
beforeAll(async () => {
  silent = createServer((socket) => {
    swallowed.push(socket);
    socket.on('error', () => undefined).resume();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  await service.listen();
});
afterEach(() => due?.stop());
afterAll(async () => {
  for (const socket of swallowed) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
  await service.close();
});

/** A browser at the push service that never answers. */
const aSilentBrowser = () => ({
  endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}/${randomBytes(9).toString('hex')}`,
  p256dh: createECDH('prime256v1').generateKeys('base64url'),
  auth: randomBytes(16).toString('base64url'),
});

/** Sends what is in the queue that it returns, to the browsers of its users. */
function start(browsersOf: (user: string) => PushTarget[], queue: MemoryQueue): void {
  const breakers = new Breakers(metrics, log);
  const inHand = new InHand(queue, log);
  const channel = new PushChannel(
    {
      to: async (_tenant, user) => browsersOf(user),
      noteTaken: async () => undefined,
      forget: async () => undefined,
    },
    {
      VAPID_PUBLIC_KEY: keys.publicKey,
      VAPID_PRIVATE_KEY: keys.privateKey,
      VAPID_SUBJECT: 'mailto:operations@example.com',
      WEBHOOK_ALLOW_PRIVATE: true,
      limits: { concurrency: PLACES },
      times: { headMs: SILENT_MS },
    },
    breakers,
  );
  due = new DueDeliveries(
    [channel],
    { ring: async () => undefined, onRing: async () => ({ close: () => undefined }) },
    {
      queue,
      deliver: new Deliver(breakers, metrics, log),
      inHand,
      begins: new Begins(queue, inHand, log),
      settlements: new Settlements(queue, log),
      metrics,
      log,
    },
    { drainMs: 0 },
  );
  due.start();
}

test('the users of a silent push service hold the places for no longer than it takes to see that it is silent', async () => {
  const ben = service.subscribe();
  const queue = new MemoryQueue();
  for (let nth = 0; nth < USERS; nth += 1) queue.add(aDelivery({ channel: 'push', recipient: `user:ana-${nth}` }));
  queue.add(aDelivery({ channel: 'push', recipient: 'user:ben' }));
  start((user) => [{ ...(user === 'ben' ? ben.keys : aSilentBrowser()), taken: false }], queue);
  await eventually(() => expect(ben.pushed).toHaveLength(1), 60_000);
  // those that were under way together when it was seen; a busy machine may try it once more after a pause
  expect(swallowed.length).toBeGreaterThanOrEqual(FAILURES);
  expect(swallowed.length).toBeLessThan(USERS / 4);
  expect((await metrics.deliveryBreakersOpen.get()).values).toMatchObject([{ labels: { channel: 'push' }, value: 1 }]);
  // an attempt is used up by those that were asked, and by no other
  await eventually(() => expect(queue.settlements.map(({ outcome }) => outcome)).toContain('released'));
  const tried = queue.settlements.filter(({ outcome }) => outcome === 'retry');
  expect(tried.length).toBeLessThanOrEqual(swallowed.length);
}, 90_000);
