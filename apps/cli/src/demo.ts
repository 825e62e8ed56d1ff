import { randomBytes, randomInt } from 'node:crypto';
import { isTenantId } from '@tocsin/contracts';
import { readNumber, UsageError, type Command } from './command';
import { loadPublishConfig, publishSettings } from './config';
import { bakeryFeed, type FeedItem, type FeedOptions } from './demo/bakery-feed';
import { playFeed, type Tally, type Watcher } from './demo/play-feed';
import { doorOptions, openDoor } from './open-door';
import { coloured } from './severity-colours';
import type { Terminal } from './terminal';

const DEFAULT_TENANTS = ['north-bakery', 'harbour-cafe'] as const;
const DEFAULT_RATE = 1;
const MAX_RATE = 1_000;
/** After Ctrl+C: how long to wait for alerts that are on their way, in milliseconds. */
const FAREWELL_MS = 1_000;

const options = {
  rate: {
    type: 'string',
    value: '<n>',
    about: `Alerts a second, on average. Default ${DEFAULT_RATE}; a burst comes on top.`,
  },
  count: { type: 'string', value: '<n>', about: 'Stop after this many alerts. Default: never.' },
  once: { type: 'boolean', about: 'Stop when the day is over, after about 90 alerts.' },
  seed: {
    type: 'string',
    value: '<n>',
    about: 'The same seed gives the same days. Default: a random one, which is printed.',
  },
  tenant: {
    type: 'string',
    multiple: true,
    value: '<id>',
    about: `Whom it happens to. Default ${DEFAULT_TENANTS.join(' and ')}.`,
  },
  ...doorOptions,
} as const;

export const demo: Command<typeof options> = {
  name: 'demo',
  purpose: 'publishes a lively feed: a day at a bakery and its café',
  about:
    'Ovens, stock, orders, payments, deliveries and staffing raise alerts, repeat, get worse and ' +
    'resolve. Once a day there is a burst. While the server is unreachable, alerts are kept and sent ' +
    'again with the same ids, so none is lost or doubled. Ctrl+C stops.',
  options,
  examples: ['npm run demo', 'npm run demo -- --rate 5 --count 200', 'npm run demo -- --tenant my-tenant --once'],
  settings: publishSettings,

  async run({ values }, terminal) {
    const rate = readNumber('--rate', values.rate ?? String(DEFAULT_RATE), { least: 0.01, most: MAX_RATE });
    const count =
      values.count === undefined ? Infinity : readNumber('--count', values.count, { least: 1, most: 1e9, whole: true });
    const seed =
      values.seed === undefined
        ? randomInt(1_000_000)
        : readNumber('--seed', values.seed, { least: 0, most: 2 ** 32 - 1, whole: true });
    const tenants = readTenants(values.tenant ?? DEFAULT_TENANTS);
    const door = openDoor(values, loadPublishConfig(terminal.environment));
    const interrupted = terminal.interrupted();
    interrupted.addEventListener('abort', () => void setTimeout(() => void door.close(), FAREWELL_MS).unref());
    terminal.out(
      `A day at ${[...new Set(tenants)].join(' and ')} · about ${rate} a second · ${door.address} · seed ${seed} · Ctrl+C stops`,
    );
    try {
      const feed = limited(
        bakeryFeed({ seed, tenants, run: `demo-${randomBytes(6).toString('hex')}`, now: () => new Date() }),
        count,
        values.once === true,
      );
      return conclude(
        await playFeed({ feed, door, rate, watcher: watcherFor(terminal, tenants), interrupted }),
        terminal,
      );
    } finally {
      await door.close();
    }
  },
};

function readTenants(given: readonly string[]): FeedOptions['tenants'] {
  const [first, ...others] = given;
  if (first === undefined || !given.every(isTenantId))
    throw new UsageError('--tenant is an id of 1 to 64 of A-Z a-z 0-9 . _ -.');
  if (others.length > 1)
    throw new UsageError('There are two places, the bakery and the café: --tenant is given once or twice.');
  return [first, ...others];
}

function* limited(feed: Generator<FeedItem>, count: number, once: boolean): Generator<FeedItem> {
  let left = count;
  for (const item of feed) {
    if (once && item.day > 1) return;
    yield item;
    left -= 1;
    if (left <= 0) return;
  }
}

function watcherFor(terminal: Terminal, tenants: readonly string[]): Watcher {
  const width = Math.max(...tenants.map((tenant) => tenant.length));
  return {
    published({ message: { occurred_at, severity, status, tenant_id, service, title } }) {
      const time = new Date(occurred_at!).toTimeString().slice(0, 8);
      const resolved = status === 'resolved';
      terminal.out(
        `${time}  ${coloured(resolved ? 'low' : severity, (resolved ? 'resolved' : severity).padEnd(8), terminal.colours)}  ${tenant_id.padEnd(width)}  ${service.padEnd(10)}  ${title}`,
      );
    },
    waiting(reason, waitedMs, kept) {
      terminal.out(
        waitedMs < 1_000
          ? `… waiting for the server, 0 lost. ${reason}`
          : `… waiting for the server for ${seconds(waitedMs)}, ${kept} kept, 0 lost`,
      );
    },
    back(waitedMs) {
      terminal.out(`… the server is back after ${seconds(waitedMs)}, 0 lost`);
    },
  };
}

const seconds = (ms: number): string => `${Math.max(1, Math.round(ms / 1_000))} s`;

function conclude({ published, retried, unsent, refusal }: Tally, terminal: Terminal): number {
  for (const line of refusal ?? []) terminal.err(line);
  const rest = unsent > 0 ? `, ${unsent} not confirmed` : '';
  terminal.out(`${published} published, ${retried} of them tried again, 0 lost${rest}.`);
  return refusal ? 1 : 0;
}
