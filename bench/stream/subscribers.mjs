// The load generator: thousands of SSE clients in one process. It parses as little as possible: it counts the blank
// lines that end frames, in one shared buffer, and reads number and time only from the frames of a few clients.
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { signed } from './token.mjs';

const LF = 0x0a;
const FRAME_END = Buffer.from('\n\n');
const SEQ = Buffer.from('"seq":');
const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_SAMPLES = 2_000_000;
/** One source address has few ports, so clients use several addresses of the loopback. */
const SOURCE_ADDRESSES = 40;

const nowMicroseconds = () => Number(process.hrtime.bigint() / 1000n);
const buffer = Buffer.allocUnsafe(256 * 1024);

let clients = [];
const samples = new Float64Array(MAX_SAMPLES * 3);
let sampled = 0;
let bytes = 0;
let loopAtBegin;
let cpuAtBegin;

/** What each token says, and the sign in a stream after which its subscriber is live; else the end of the head. */
const TOKENS = {
  tocsin: { live: Buffer.from('event: connection'), claims: () => ({}) },
  mercure: { claims: (tenant) => ({ mercure: { subscribe: [tenant] } }) },
  centrifugo: { live: Buffer.from('{"connect":'), claims: (tenant) => ({ channels: [tenant] }) },
};

/**
 * The path and headers of a client's request, with a token where the server wants one: a new one for each client, or
 * with `oneToken` the same at each request of a user.
 */
function requestOf({ path, secret, token = 'tocsin', oneToken }, tenant, user) {
  const headers = ['Host: bench', 'Accept: text/event-stream'];
  let target = path.replace('{tenant}', tenant);
  if (secret) {
    const jti = oneToken ? user : user + Math.random();
    const jwt = signed({ sub: user, jti, ...TOKENS[token].claims(tenant) }, secret);
    if (target.includes('{connect}'))
      target = target.replace('{connect}', encodeURIComponent(JSON.stringify({ token: jwt })));
    else headers.push(`Authorization: Bearer ${jwt}`);
  }
  return { target, headers };
}

class Client {
  frames = 0;
  endsInLf = false;
  live = false;
  failure = undefined;
  cursor = '';
  head = '';
  constructor(tenant, request, options) {
    this.tenant = tenant;
    this.request = request;
    this.options = options;
  }

  open(port, localAddress, settled) {
    this.settled = settled;
    this.socket = connect({
      port,
      host: '127.0.0.1',
      localAddress,
      onread: { buffer, callback: (length, chunk) => this.take(length, chunk) },
    });
    this.socket.setNoDelay(true);
    this.socket.write(this.request);
    this.socket.on('error', (error) => this.fail(error.code ?? error.message));
    this.socket.on('close', () => this.fail('closed'));
  }

  take(length, chunk) {
    bytes += length;
    const read = chunk.subarray(0, length);
    if (!this.live) this.readHead(read);
    let at = 0;
    if (this.endsInLf && read[0] === LF) {
      this.frames += 1;
      at = 1;
    }
    for (let end = read.indexOf(FRAME_END, at); end >= 0; end = read.indexOf(FRAME_END, at)) {
      this.frames += 1;
      at = end + 2;
    }
    this.endsInLf = at < length && read[length - 1] === LF;
    if (this.options.sample) this.sample(read);
    if (this.options.keepsCursor) this.keepCursor(read);
    if (this.live && this.frames >= this.wanted) this.arrive();
    return true;
  }

  readHead(read) {
    if (this.head === '') this.head = read.toString('latin1', 0, 60).split('\r\n')[0];
    if (!this.head.includes(' 200')) return this.fail(this.head);
    if (read.includes(this.options.live)) {
      this.live = true;
      this.settled?.();
    }
  }

  sample(read) {
    const now = nowMicroseconds();
    for (let at = read.indexOf(SEQ); at >= 0 && sampled < MAX_SAMPLES; at = read.indexOf(SEQ, at + SEQ.length)) {
      let seq = 0;
      for (let digit = at + SEQ.length; digit < read.length && read[digit] >= 48 && read[digit] <= 57; digit += 1)
        seq = seq * 10 + read[digit] - 48;
      samples.set([this.tenant, seq, now], sampled * 3);
      sampled += 1;
    }
  }

  keepCursor(read) {
    const text = `\n${read.toString('latin1')}`;
    const at = text.lastIndexOf('\nid: ');
    const end = at < 0 ? -1 : text.indexOf('\n', at + 1);
    if (end > 0) this.cursor = text.slice(at + 5, end);
  }

  /** Calls back once the client is live and has received `frames` frames in total. */
  want(frames, arrived) {
    this.wanted = frames;
    this.arrived = arrived;
    if (this.failure || (this.live && this.frames >= frames)) this.arrive();
  }

  arrive() {
    const { arrived } = this;
    this.arrived = undefined;
    this.wanted = Infinity;
    arrived?.();
  }

  fail(why) {
    if (this.failure) return;
    this.failure = why;
    this.socket.destroy();
    this.settled?.();
    this.arrived?.();
  }

  cut() {
    this.failure = 'cut';
    this.socket.resetAndDestroy();
  }
}
Client.prototype.wanted = Infinity;

/**
 * Opens `count` clients, `atOnce` of them at a time. With `wanted` it waits until each has received that many frames.
 */
async function open({
  port,
  path,
  secret,
  token,
  oneToken,
  count,
  tenants,
  users = count,
  atOnce = 200,
  sampleEvery = 0,
  keepsCursor = false,
  cursors,
  wanted = 0,
  timeoutMs = 60_000,
}) {
  clients = Array.from({ length: count }, (_, i) => {
    const tenant = i % tenants;
    const { target, headers } = requestOf({ path, secret, token, oneToken }, `t${tenant}`, `u${tenant}-${i % users}`);
    if (cursors) headers.push(`Last-Event-ID: ${cursors[i]}`);
    const request = `GET ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`;
    return new Client(tenant, request, {
      sample: sampleEvery > 0 && i % sampleEvery === 0,
      keepsCursor,
      live: (secret && TOKENS[token ?? 'tocsin'].live) || HEAD_END,
    });
  });
  const startedAt = performance.now();
  await new Promise((resolve) => {
    let next = 0;
    let settled = 0;
    const late = setTimeout(resolve, timeoutMs);
    const another = () => {
      if (next >= clients.length) return;
      const client = clients[next++];
      client.open(port, `127.0.0.${2 + (next % SOURCE_ADDRESSES)}`, () => {
        client.settled = undefined;
        if (++settled < clients.length) return another();
        clearTimeout(late);
        resolve();
      });
    };
    for (let i = 0; i < atOnce; i += 1) another();
  });
  const liveMs = performance.now() - startedAt;
  if (wanted > 0) {
    await Promise.race([
      Promise.all(clients.map((client) => new Promise((resolve) => client.want(wanted, resolve)))),
      new Promise((resolve) => setTimeout(resolve, timeoutMs)),
    ]);
  }
  return { ...state(), liveMs, allMs: performance.now() - startedAt };
}

function begin() {
  for (const client of clients) client.frames = 0;
  sampled = 0;
  bytes = 0;
  loopAtBegin = performance.eventLoopUtilization();
  cpuAtBegin = process.cpuUsage();
}

const state = () => ({
  live: clients.filter(({ live, failure }) => live && !failure).length,
  failures: countBy(clients.flatMap(({ failure }) => failure ?? [])),
  frames: clients.reduce((sum, { frames }) => sum + frames, 0),
});

function report() {
  const { user, system } = process.cpuUsage(cpuAtBegin);
  return {
    ...state(),
    fewest: clients.reduce((least, { frames }) => Math.min(least, frames), Infinity),
    most: clients.reduce((most, { frames }) => Math.max(most, frames), 0),
    bytes,
    /** The utilization of the generator: near 1 the generator is the bottleneck that is measured. */
    utilization: performance.eventLoopUtilization(loopAtBegin).utilization,
    cpuMicroseconds: user + system,
    samples: samples.slice(0, sampled * 3),
  };
}

function close() {
  for (const client of clients) client.cut();
  const cursors = clients.map(({ cursor }) => cursor);
  clients = [];
  return { cursors };
}

const countBy = (words) => words.reduce((counts, word) => ((counts[word] = (counts[word] ?? 0) + 1), counts), {});

const acts = { open, begin, state, report, close };
process.on('message', async ({ act, ...options }) => {
  try {
    process.send({ answer: await acts[act](options) });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
