import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignedLinks } from '@tocsin/auth';
import type { Doorbell } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { Begins } from './begins';
import { Breakers } from './breakers';
import { EmailChannel } from './channels/email.channel';
import { WebhookChannel } from './channels/webhook.channel';
import { OneEndpoint } from './channels/webhook/testing/one-endpoint';
import { Deliver } from './deliver';
import { DueDeliveries } from './due-deliveries';
import { InHand } from './in-hand';
import { Settlements } from './settlements';
import { aDelivery, MemoryQueue } from './testing/memory-queue';
import { SmtpSink } from './testing/smtp-sink';

// How long mails take, from the time that they are due until a mail server has them, while receivers of webhooks are
// silent.

const MAILS = 300;
const EVERY_MS = 20;
/** More than the places of the channel. */
const SILENT_HOSTS = 100;
const ROUNDS = 3;
/**
 * How much longer the slowest hundredth may take. What a timer of this machine is late by is no fault of the notifier.
 */
const MOST = { times: 1.2, moreMs: 5 };

const log = createLogger({ app: 'test', level: 'silent' });
const links = new SignedLinks({ read: () => Promise.resolve('k'.repeat(64)) });

let hole: Server;
let sink: SmtpSink;
let due: DueDeliveries | undefined;
const swallowed = new Set<Socket>();
beforeAll(async () => {
  hole = createServer((socket) => {
    swallowed.add(socket);
    socket.on('error', () => undefined).on('data', () => undefined);
  });
  await new Promise<void>((resolve) => hole.listen(0, resolve));
});
afterEach(async () => {
  await due?.stop();
  await sink?.close();
});
afterAll(async () => {
  for (const socket of swallowed) socket.destroy();
  await new Promise((resolve) => hole.close(resolve));
});

/** The 99th percentile over `MAILS` mails, in milliseconds. */
async function p99(silentHosts: number): Promise<number> {
  const dueAt = new Map<string, number>();
  const took: number[] = [];
  sink = await new SmtpSink({
    atData: (content) => {
      const id = /^Message-ID: <([^@]+)@/im.exec(content.toString('latin1'))![1]!;
      took.push(performance.now() - dueAt.get(id)!);
      return undefined;
    },
  }).listen();
  const queue = new MemoryQueue();
  const inHand = new InHand(queue, log);
  const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
  let ring = (): void => undefined;
  const doorbell: Doorbell = {
    ring: async () => ring(),
    onRing: async (listener) => {
      ring = listener;
      return { close: () => void (ring = () => undefined) };
    },
  };
  const sender = { name: 'Tocsin', address: 'alerts@tocsin.test', domain: 'tocsin.test' };
  due = new DueDeliveries(
    [
      new EmailChannel({ SMTP_URL: `smtp://127.0.0.1:${sink.port}`, MAIL_FROM: sender }, links, {
        has: () => Promise.resolve(false),
      }),
      new WebhookChannel(new OneEndpoint(), { allowPrivate: true }),
    ],
    doorbell,
    {
      queue,
      deliver: new Deliver(new Breakers(metrics, log), metrics, log),
      inHand,
      begins: new Begins(queue, inHand, log),
      settlements: new Settlements(queue, log),
      metrics,
      log,
    },
    { drainMs: 0 },
  );
  const mail = (): void => {
    const delivery = aDelivery({ channel: 'email', recipient: 'ana@example.test' });
    dueAt.set(delivery.delivery_id, performance.now());
    queue.add(delivery);
    ring();
  };
  due.start();
  // each is a host of its own, so that no breaker ends the attempts at the others
  const { port } = hole.address() as AddressInfo;
  for (let host = 1; host <= silentHosts; host += 1)
    queue.add(aDelivery({ recipient: `http://127.0.0.${host}:${port}/` }));
  mail();
  await eventually(() => expect(took).toHaveLength(1));
  took.length = 0;
  for (let sent = 0; sent < MAILS; sent += 1) {
    mail();
    await sleep(EVERY_MS);
  }
  await eventually(() => expect(took).toHaveLength(MAILS));
  await due.stop();
  await sink.close();
  return took.sort((one, other) => one - other)[Math.floor(MAILS * 0.99)]!;
}

it('mails are as fast while every place of the webhooks is held by a receiver that says nothing', async () => {
  const alone: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    alone.push(await p99(0));
    beside.push(await p99(SILENT_HOSTS));
  }
  // the best of each: what the machine was busy with meanwhile is in the others
  const [quiet, disturbed] = [Math.min(...alone), Math.min(...beside)];
  console.info(
    `p99 of mails: ${quiet.toFixed(1)} ms alone, ${disturbed.toFixed(1)} ms beside silent receivers of webhooks`,
  );
  expect(swallowed.size).toBeGreaterThanOrEqual(ROUNDS * 64);
  expect(disturbed).toBeLessThan(quiet * MOST.times + MOST.moreMs);
}, 180_000);
