// The load generator, in one process: it publishes alerts with confirms and reads the streams that deliver them. An
// alert's id is its number, so every alert is accounted for at every subscriber, and its latency needs no second clock.
import { connect as connectSocket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { Floor } from './floor.mjs';

const EVENT_ID = Buffer.from('"event_id":"a');
const FRAME_END = Buffer.from('\n\n');
const LIVE = Buffer.from('event: connection');
const ID_FIELD = Buffer.from('id: ');
/** An alert's number in its body. */
const NUMBER = /"id":"a(\d+)"/;
const LF = 10;
/** How long a closed stream waits before it is opened again, as a client does after `slow`. */
const REOPEN_MS = 250;
/** How many publishes may wait for their confirmation while a backlog is made. */
const CONFIRM_WINDOW = 2_000;
/** How many alerts are sent before the sockets are read again. */
const BURST = 64;
/** How long to wait for alerts that are still on their way. */
const DRAIN_MS = 15_000;

const buffer = Buffer.allocUnsafe(256 * 1024);
let broker;
let floor;
let streams = [];
let closing = false;
let subscribersOfEach = 1;
let tenants = 1;

// ---- alerts ---------------------------------------------------------------------------------------------------------

let next = 0;
/** By an alert's number: when it was due, when the client library got it, and how many subscribers have received it. */
let dueAt = new Float64Array(1 << 20);
let sentAt = new Float64Array(1 << 20);
let seen = new Uint8Array(1 << 20);
let unconfirmed = 0;
let refused = 0;
let arrivals = 0;
/** How often a stream that had been live was reopened at its cursor. */
let reopened = 0;
let onProgress = () => undefined;

/** A realistic mix: of a hundred alerts 5 are urgent, 15 high, 40 medium and 40 low. */
const severityOf = (n) => (n % 20 === 0 ? 'urgent' : n % 20 < 4 ? 'high' : n % 2 === 0 ? 'medium' : 'low');

function publish(due = performance.now()) {
  const n = next++;
  if (n >= seen.length) grow();
  const severity = severityOf(n);
  const alert = {
    tenant_id: `t${n % tenants}`,
    service: 'inventory',
    severity,
    id: `a${n}`,
    type: 'alert',
    name: 'low_stock',
    title: 'Flour is running low',
    message: 'Only 2 kg are left in the northern store.',
    occurred_at: new Date().toISOString(),
    labels: { store: 'north' },
    metadata: { left_kg: 2 },
  };
  dueAt[n] = due;
  sentAt[n] = performance.now();
  unconfirmed += 1;
  broker.channel.publish(
    broker.exchange,
    `alert.${severity}.inventory`,
    Buffer.from(JSON.stringify(alert)),
    { persistent: true, contentType: 'application/json' },
    (error) => {
      unconfirmed -= 1;
      if (error) refused += 1;
      onProgress();
    },
  );
}

function grow() {
  const larger = (array) => {
    const grown = new array.constructor(array.length * 2);
    grown.set(array);
    return grown;
  };
  [dueAt, sentAt, seen] = [dueAt, sentAt, seen].map(larger);
}

// ---- streams --------------------------------------------------------------------------------------------------------

class Stream {
  live = false;
  failure = undefined;
  rest = undefined;
  /** The id of the last frame that had one, where the stream resumes. */
  cursor = undefined;

  constructor(port, token) {
    this.port = port;
    this.token = token;
  }

  /** `settled` is called once the stream is live or has failed. */
  open(settled) {
    const { port, token, cursor } = this;
    this.settled = settled;
    this.rest = undefined;
    const resumed = cursor === undefined ? '' : `Last-Event-ID: ${cursor}\r\n`;
    this.socket = connectSocket({
      port,
      host: '127.0.0.1',
      onread: { buffer, callback: (length, chunk) => this.take(chunk.subarray(0, length)) },
    });
    this.socket.setNoDelay(true);
    this.socket.write(
      `GET /api/events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n${resumed}\r\n`,
    );
    this.socket.on('error', (error) => this.fail(error.code));
    this.socket.on('close', () => this.fail('closed'));
  }

  take(chunk) {
    const bytes = this.rest ? Buffer.concat([this.rest, chunk]) : chunk;
    const end = bytes.lastIndexOf(FRAME_END);
    // all streams share the buffer, so what is kept of it is copied
    this.rest = end + 2 === bytes.length ? undefined : Buffer.from(bytes.subarray(end < 0 ? 0 : end + 2));
    if (end < 0) return true;
    const whole = bytes.subarray(0, end + 2);
    this.cursor = lastId(whole) ?? this.cursor;
    if (!this.live && whole.includes(LIVE)) {
      this.live = true;
      this.settled();
    }
    const now = performance.now();
    let came = 0;
    for (let at = whole.indexOf(EVENT_ID); at >= 0; at = whole.indexOf(EVENT_ID, at)) {
      let n = 0;
      for (at += EVENT_ID.length; whole[at] >= 48 && whole[at] <= 57; at += 1) n = n * 10 + whole[at] - 48;
      seen[n] += 1;
      measure(n, now);
      came += 1;
    }
    arrivals += came;
    if (came > 0) onProgress();
    return true;
  }

  fail(why) {
    if (this.live && !closing) return this.reopen();
    this.failure ??= why;
    this.settled();
  }

  /** Entries after the cursor are read again, so that only lost alerts count as lost. */
  reopen() {
    if (this.reopening) return;
    this.socket.destroy();
    this.reopening = setTimeout(() => {
      this.reopening = undefined;
      if (closing) return;
      reopened += 1;
      this.open(() => undefined);
    }, REOPEN_MS);
  }

  end() {
    clearTimeout(this.reopening);
    this.socket.destroy();
  }
}

/** The value of the last `id` line of whole frames; undefined when none has one. */
function lastId(frames) {
  let at = frames.lastIndexOf(ID_FIELD);
  while (at > 0 && frames[at - 1] !== LF) at = frames.lastIndexOf(ID_FIELD, at - 1);
  return at < 0 ? undefined : frames.toString('latin1', at + ID_FIELD.length, frames.indexOf(LF, at));
}

/** An alert that Redis delivered to this process, without a stream between them. */
function heard(body) {
  const n = Number(NUMBER.exec(body)[1]);
  seen[n] += 1;
  measure(n, performance.now());
  arrivals += 1;
  onProgress();
}

// ---- the measurement ------------------------------------------------------------------------------------------------

/** Latencies are kept from this time on. Alerts that were sent earlier have none. */
let measuredFrom = Infinity;
let latencies = [];
let latenciesFromDue = [];

function measure(n, now) {
  if (n < measuredFrom) return;
  latencies.push(now - sentAt[n]);
  latenciesFromDue.push(now - dueAt[n]);
}

function begin() {
  [latencies, latenciesFromDue, measuredFrom] = [[], [], next];
  return {
    cpu: process.cpuUsage(),
    at: performance.now(),
    arrivals,
    reopened,
    loop: performance.eventLoopUtilization(),
  };
}

/** The outcome of the alerts from number `from` on, once all have arrived or the time is over. */
async function accountFor(from, begun) {
  const rateEnd = { at: performance.now(), arrivals };
  const deadline = performance.now() + DRAIN_MS;
  while (performance.now() < deadline && arrivals - begun.arrivals < (next - from) * subscribersOfEach) await sleep(10);
  const cpu = process.cpuUsage(begun.cpu);
  let lost = 0;
  let twice = 0;
  for (let n = from; n < next; n += 1) {
    lost += Math.max(0, subscribersOfEach - seen[n]);
    twice += Math.max(0, seen[n] - subscribersOfEach);
  }
  return {
    published: next - from,
    refused,
    lost,
    twice,
    reopened: reopened - begun.reopened,
    alerts_per_second: (rateEnd.arrivals - begun.arrivals) / subscribersOfEach / ((rateEnd.at - begun.at) / 1000),
    p50_ms: quantile(latencies, 0.5),
    p99_ms: quantile(latencies, 0.99),
    p99_from_due_ms: quantile(latenciesFromDue, 0.99),
    generator_us: cpu.user + cpu.system,
    generator_busy: performance.eventLoopUtilization(begun.loop).utilization,
  };
}

function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

// ---- the commands ---------------------------------------------------------------------------------------------------

const acts = {
  async open({ amqpUrl, prefix, tenants: count }) {
    tenants = count;
    const connection = await connect(amqpUrl, { noDelay: true });
    broker = { connection, channel: await connection.createConfirmChannel(), exchange: `${prefix}alerts.exchange` };
  },

  /** Opens a stream for each token. The first tokens belong to the tenants in turn, and so do the next ones. */
  async watch({ port, tokens }) {
    subscribersOfEach = tokens.length / tenants;
    streams = tokens.map((token) => new Stream(port, token));
    await Promise.all(streams.map((stream) => new Promise((resolve) => stream.open(resolve))));
    return {
      live: streams.filter(({ live }) => live).length,
      failures: [...new Set(streams.flatMap(({ failure }) => failure ?? []))],
    };
  },

  async openFloor(options) {
    floor = await Floor.open(options, heard);
  },

  async closeFloor() {
    const closing = floor;
    floor = undefined;
    await closing?.close();
  },

  /** Publishes a backlog, as fast as the broker confirms. */
  async backlog({ count }) {
    const startedAt = performance.now();
    const until = next + count;
    while (next < until) {
      for (let i = 0; i < BURST && next < until && unconfirmed < CONFIRM_WINDOW; i += 1) publish();
      await new Promise(setImmediate);
    }
    while (unconfirmed > 0) await sleep(1);
    return { per_second: count / ((performance.now() - startedAt) / 1000), refused };
  },

  /** Publishes as fast as possible, with at most `window` alerts between their publisher and their last subscriber. */
  async through({ window, warmSeconds, seconds }) {
    const firstOfAll = next;
    const arrivedBefore = arrivals;
    let stopped = false;
    let filling = false;
    const fill = () => {
      if (filling || stopped) return;
      filling = true;
      // in bursts, so that the sockets are read in between
      setImmediate(() => {
        filling = false;
        const room = () => next - firstOfAll - (arrivals - arrivedBefore) / subscribersOfEach < window;
        for (let i = 0; i < BURST && room(); i += 1) publish();
        if (room()) fill();
      });
    };
    onProgress = fill;
    fill();
    await sleep(warmSeconds * 1000);
    const begun = begin();
    await sleep(seconds * 1000);
    stopped = true;
    onProgress = () => undefined;
    // the rate counts arrivals within the time; the account covers every alert, including the warm-up
    const rate = (arrivals - begun.arrivals) / subscribersOfEach / ((performance.now() - begun.at) / 1000);
    const account = await accountFor(firstOfAll, { ...begun, arrivals: arrivedBefore });
    return { ...account, alerts_per_second: rate, sent: account.published };
  },

  /** Publishes at a steady rate, even if the system cannot keep up. */
  async steady({ rate, warmSeconds, seconds }) {
    const pace = async (forSeconds) => {
      const startedAt = performance.now();
      const total = Math.round(rate * forSeconds);
      for (let sent = 0; sent < total;) {
        const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * rate) + 1);
        for (; sent < due; sent += 1) publish(startedAt + (sent / rate) * 1000);
        await sleep(1);
      }
    };
    const warmedFrom = next;
    await pace(warmSeconds);
    const measuredFromNumber = next;
    await sleep(500);
    const begun = begin();
    await pace(seconds);
    return { ...(await accountFor(measuredFromNumber, begun)), sent: next - warmedFrom };
  },

  async close() {
    closing = true;
    for (const stream of streams) stream.end();
    await acts.closeFloor();
    await broker.connection.close();
  },
};

process.on('message', async ({ act, ...options }) => {
  try {
    process.send({ answer: (await acts[act](options)) ?? null });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
