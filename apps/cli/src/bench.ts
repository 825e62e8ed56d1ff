import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTenantId } from '@tocsin/contracts';
import { DEFAULT_USER } from './ask-gateway';
import type { AlertDoor } from './alert-door';
import { MeasuredStream } from './measuring/measured-stream';
import { inTimes, timesOf } from './measuring/times';
import { readNumber, UsageError, type Command } from './command';
import { gatewayUrl, loadPublishConfig, publishSettings } from './config';
import { Credential } from './credential';
import { doorOptions, openDoor } from './open-door';

const DEFAULT_TENANT = 'north-bakery';
const DEFAULT_COUNT = 200;
const DEFAULT_RATE = 20;
const SERVICE = 'tocsin-bench';
/** How long the last alerts may take to arrive, in milliseconds. Later ones count as missing. */
const PATIENCE_MS = 10_000;

const options = {
  count: { type: 'string', value: '<number>', about: `How many alerts, at most 10000. Default ${DEFAULT_COUNT}.` },
  rate: { type: 'string', value: '<number>', about: `How many a second, at most 200. Default ${DEFAULT_RATE}.` },
  tenant: {
    type: 'string',
    value: '<id>',
    about: `The tenant that gets the alerts. Default ${DEFAULT_TENANT}, a tenant of the demo.`,
  },
  user: {
    type: 'string',
    value: '<id>',
    about: `Whose stream it is, when the command line signs the token. Default ${DEFAULT_USER}, the demo's user.`,
  },
  ...doorOptions,
  json: { type: 'boolean', about: 'Prints one JSON value; times are in milliseconds.' },
} as const;

export const bench: Command<typeof options> = {
  name: 'bench',
  purpose: 'measures a deployment: how long an alert takes to a stream',
  about:
    'Opens a stream, publishes alerts at a steady rate, and measures until each is accepted and until it arrives on the ' +
    'stream; both by the clock of this machine. Each alert is one of severity low and of the service tocsin-bench, and ' +
    'is resolved at the end; use a tenant of its own where people look. A token in TOCSIN_TOKEN needs the scopes ' +
    'alerts:read and events:publish.',
  options,
  examples: [
    'npm run tocsin -- bench',
    'npm run tocsin -- bench --url https://alerts.example.com --tenant bench --rate 50 --count 1000 --json',
  ],
  settings: publishSettings,
  exits: { 1: 'no stream, one that ended early, a refused alert, or one that did not arrive within 10 s' },
  called: 'npm run tocsin -- bench',

  async run({ values }, terminal) {
    const { tenant = DEFAULT_TENANT, user = DEFAULT_USER } = values;
    const count = readNumber('--count', values.count ?? String(DEFAULT_COUNT), { least: 1, most: 10_000, whole: true });
    const rate = readNumber('--rate', values.rate ?? String(DEFAULT_RATE), { least: 0.1, most: 200 });
    if (!isTenantId(tenant)) throw new UsageError('--tenant is an id of 1 to 64 of A-Z a-z 0-9 . _ -.');
    const config = loadPublishConfig(terminal.environment);
    const door = openDoor(values, config);
    const interrupted = terminal.interrupted();
    const run = `bench-${randomUUID()}`;
    const target = new URL(
      `${(values.url ?? gatewayUrl(config)).replace(/[?#].*$/, '').replace(/\/*$/, '')}/api/events`,
    );
    target.search = new URLSearchParams({ tenant, service: SERVICE, since: '0' }).toString();
    const credential = new Credential(config, ['alerts:read'], user, count / rate);
    const stream = new MeasuredStream(target, credential.token(), interrupted);
    try {
      await stream.open();
      const alerts = Array.from({ length: count }, (_, at) => alertOf(run, at, tenant));
      const { accepted, refusal } = await publishAtRate(alerts, { rate, door, stream });
      const sent = new Set(accepted.keys());
      await stream.haveArrived(sent, PATIENCE_MS);
      const arrived = [...stream.arrivedMs].filter(([id]) => sent.has(id)).map(([, ms]) => ms);
      // what was on its way when the stream ended is not missing: it could not arrive
      const missing = stream.ended.aborted ? 0 : sent.size - arrived.length;
      const { endedBecause } = stream;
      await resolveAll(
        alerts.filter(({ id }) => sent.has(id)),
        door,
      );
      const report = { published: sent.size, arrived: arrived.length, missing };
      const times = { accepted_ms: timesOf([...accepted.values()]), arrived_ms: timesOf(arrived) };
      if (values.json) terminal.out(JSON.stringify({ ...report, ...times }));
      else {
        terminal.out(`${sent.size} published over ${door.address}, ${arrived.length} arrived, ${missing} missing`);
        terminal.out(`until accepted:  ${inTimes(times.accepted_ms)}`);
        terminal.out(`until arrived:   ${inTimes(times.arrived_ms)}`);
      }
      if (endedBecause) terminal.err(`${endedBecause} The measurement ends there.`);
      for (const line of refusal) terminal.err(line);
      return refusal.length > 0 || arrived.length < count ? 1 : 0;
    } finally {
      stream.close();
      await door.close();
    }
  },
};

const alertOf = (run: string, at: number, tenant_id: string) => ({
  id: `${run}-${at}`,
  tenant_id,
  service: SERVICE,
  severity: 'low',
  title: `Measurement ${at + 1}`,
  dedup_key: `${run}-${at}`,
  occurred_at: new Date().toISOString(),
});
type BenchAlert = ReturnType<typeof alertOf>;

interface Publishing {
  rate: number;
  door: AlertDoor;
  stream: MeasuredStream;
}

/**
 * Publishes without waiting for answers, so that a slow one does not lower the rate. Stops at the first refusal, and
 * with the stream.
 */
async function publishAtRate(alerts: readonly BenchAlert[], { rate, door, stream }: Publishing) {
  const accepted = new Map<string, number>();
  const refusal: string[] = [];
  const underWay: Promise<void>[] = [];
  const startedAt = performance.now();
  for (const [at, alert] of alerts.entries()) {
    const waitMs = startedAt + (at * 1_000) / rate - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: stream.ended }).catch(() => undefined);
    if (stream.ended.aborted || refusal.length > 0) break;
    const sentAt = stream.sends(alert.id);
    const publishing = door.publish([{ ...alert, occurred_at: new Date().toISOString() }]).then((answer) => {
      if (!answer.trouble) accepted.set(alert.id, performance.now() - sentAt);
      else if (refusal.length === 0)
        refusal.push(...(answer.trouble.kind === 'away' ? [answer.trouble.sentence] : answer.trouble.lines));
    });
    underWay.push(publishing);
  }
  await Promise.all(underWay);
  return { accepted, refusal };
}

/** Users need not act on the alerts of a measurement. */
async function resolveAll(alerts: readonly BenchAlert[], door: AlertDoor): Promise<void> {
  for (let at = 0; at < alerts.length; at += 500)
    await door.publish(
      alerts.slice(at, at + 500).map((alert) => ({
        ...alert,
        id: `${alert.id}-end`,
        status: 'resolved',
        occurred_at: new Date().toISOString(),
      })),
    );
}
