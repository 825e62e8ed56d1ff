// From an alert that is stored to the mail server that has its mail, at 50 alerts a second; and the same while every
// place of the webhooks is held by a receiver that takes the connection and says nothing.
import { createServer } from 'node:net';
import { stdout } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDatabase } from './databases.mjs';
import { NotifierSite } from './notifier-site.mjs';
import { verdict } from './verdict.mjs';
import { plannedEvent } from './work.mjs';

const MAILS = 300;
const EVERY_MS = 20;
/**
 * More than the places of the channel. Each is a host of its own, so that no breaker ends the attempts at the others.
 */
const SILENT_HOSTS = 100;
const TENANTS = 10;

async function measure(site, silentPort) {
  if (silentPort)
    await site.tell(
      Array.from({ length: SILENT_HOSTS }, (_, host) =>
        plannedEvent(host % TENANTS, [{ channel: 'webhook', recipient: `http://127.0.0.${host + 1}:${silentPort}/` }]),
      ),
    );
  const mail = (at) => [{ channel: 'email', recipient: `${at}@example.com` }];
  await site.tell([plannedEvent(0, mail('first'))]);
  await site.has(1, 20_000);
  await site.sink.ask('take');
  const storedAt = new Map();
  const telling = [];
  const begunAt = performance.now();
  for (let at = 0; at < MAILS; at += 1) {
    await sleep(Math.max(0, begunAt + at * EVERY_MS - performance.now()));
    telling.push(site.tell([plannedEvent(at % TENANTS, mail(at))]).then((ms) => storedAt.set(`${at}@example.com`, ms)));
  }
  await Promise.all(telling);
  await site.has(MAILS, 60_000);
  const took = (await site.sink.ask('take')).map(([recipient, ms]) => ms - storedAt.get(recipient));
  return took.sort((one, other) => one - other);
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

export async function mailRow(services, { rounds }) {
  const swallowed = new Set();
  const hole = createServer((socket) => {
    swallowed.add(socket);
    socket.on('error', () => undefined).on('data', () => undefined);
  });
  await new Promise((done) => hole.listen(0, done));
  const results = { alone: [], 'beside silent receivers': [] };
  try {
    for (let round = 0; round < rounds; round += 1)
      for (const [name, port] of [
        ['alone', undefined],
        ['beside silent receivers', hole.address().port],
      ])
        await withDatabase(services.DATABASE_URL, async (databaseUrl) => {
          const site = await NotifierSite.open(services, databaseUrl);
          try {
            results[name].push(await measure(site, port));
          } finally {
            await site.close();
          }
        });
  } finally {
    for (const socket of swallowed) socket.destroy();
    hole.close();
  }
  stdout.write(`\nAlert stored -> the mail server has the mail, 50/s, ${MAILS} mails a round, ${rounds} rounds\n\n`);
  const p99 = (took) => took[Math.floor(took.length * 0.99)];
  const ms = (value) => `${value.toFixed(1)} ms`;
  for (const [name, took] of Object.entries(results))
    stdout.write(
      `${name.padEnd(26)}median ${ms(median(took.map(median)))}   p99 of each round ${took.map(p99).map(ms).join(', ')}\n`,
    );
  const [alone, beside] = Object.values(results).map((took) => median(took.map(p99)));
  stdout.write(`connections held ${swallowed.size}\n\n`);
  verdict('p99 alone, at most 250 ms', alone, { atMost: 250 }, ' ms');
  verdict('p99 beside silent receivers / alone, at most 1.20', beside / alone, { atMost: 1.2 });
}
