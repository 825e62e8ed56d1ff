// Feeds alerts at a steady rate: into Tocsin as its processor does (stored, then announced), into the others by their
// cheapest interface. It reports when each alert was handed over, so that a latency is that of the fan-out.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The processor's own limit for one batch. */
const MAX_BATCH = 500;
const require = createRequire(import.meta.url);
const nowMicroseconds = () => Number(process.hrtime.bigint() / 1000n);

const { contracts, observability, postgres, redis } = loadBuild(process.env.BENCH_BUILD);

function loadBuild(dist) {
  const load = (library) => require(join(dist, 'libs', library, 'src', 'index.js'));
  return {
    contracts: load('contracts'),
    observability: load('observability'),
    postgres: load('postgres'),
    redis: load('redis'),
  };
}

/** An alert of 200 bytes, as a service sends it. */
function alertOf(tenant, id) {
  const alert = {
    tenant_id: `t${tenant}`,
    service: 'inventory',
    severity: 'high',
    id: String(id),
    name: 'low_stock',
    title: 'Flour is running low',
    message: 'Only 2 kg are left in the northern store.',
  };
  const missing = 200 - JSON.stringify(alert).length;
  return { ...alert, message: alert.message.padEnd(alert.message.length + missing, '.') };
}

// ---- interfaces: each hands over alerts and returns the number within its tenant that each got ----------------------

/** Stored by the real event log and announced by the real bus. */
function throughTheLog({ databaseUrl, redisUrl, redisPrefix, hintKey }) {
  const database = new postgres.Database({
    connection: { url: databaseUrl },
    role: 'tocsin_processor',
    applicationName: 'tocsin bench',
  });
  const log = new postgres.PostgresEventLog(database);
  const connection = new redis.RedisConnection(redisUrl);
  const bus = new redis.RedisEventBus(
    { url: redisUrl, prefix: redisPrefix, hintKey },
    connection,
    observability.createLogger({ app: 'bench', level: 'silent' }),
    new observability.Metrics({ app: 'bench', version: '0' }),
  );
  const planned = ({ tenant, id }) => ({
    message: {
      ...alertOf(tenant, id),
      type: 'alert',
      status: 'firing',
      labels: {},
      actions: [],
      metadata: {},
      schema_version: 1,
    },
    body_hash: String(id),
    trace_id: null,
    deliveries: [],
  });
  return {
    async hand(alerts) {
      const results = await log.append(alerts.map(planned));
      const handedAt = nowMicroseconds();
      await bus.publish(results.map(({ event }) => ({ tenant_id: event.entry.tenant_id, ...contracts.hintOf(event) })));
      return { handedAt, seqs: results.map(({ event }) => event.seq) };
    },
    async close() {
      bus.close();
      connection.close();
      await database.close();
    },
  };
}

/** The bytes that Tocsin would send for the alert: every server carries the same. */
function renderer() {
  const heads = new Map();
  return ({ tenant, id }) => {
    const seq = (heads.get(tenant) ?? 0) + 1;
    heads.set(tenant, seq);
    const { id: event_id, ...rest } = alertOf(tenant, id);
    const now = new Date().toISOString();
    return {
      seq,
      data: contracts.renderData({
        ...rest,
        seq,
        event_id,
        alert_id: '01890a5d-ac96-774b-bcce-b302099a8057',
        change: 'raised',
        status: 'firing',
        previous: null,
        type: 'alert',
        occurrences: 1,
        folded: 0,
        occurred_at: null,
        received_at: now,
        dedup_key: null,
        first_seen_at: now,
        last_seen_at: now,
        labels: {},
        actions: [],
        metadata: {},
        assignee: null,
        snoozed_until: null,
        actor: null,
        note: null,
        trace_id: null,
      }),
    };
  };
}

/** The requests that hand one alert to each server that is fed by HTTP: their heads besides the length, and a body. */
const REQUESTS = {
  /** nginx with nchan: the body is what subscribers get. */
  http: ({ path }, { tenant, data }) => ({
    path: path.replace('{tenant}', `t${tenant}`),
    headers: ['X-EventSource-Event: inventory_alert'],
    body: data,
  }),
  /** Mercure: a form with the topic, and an id as Tocsin has one. */
  forms: ({ path, authorization }, { tenant, seq, data }) => ({
    path,
    headers: [`Authorization: ${authorization}`, 'Content-Type: application/x-www-form-urlencoded'],
    body: new URLSearchParams({
      topic: `t${tenant}`,
      id: `${tenant}-${seq}`,
      type: 'inventory_alert',
      data,
    }).toString(),
  }),
  /** Centrifugo: a command in JSON, which holds the alert as JSON. */
  commands: ({ path, authorization }, { tenant, data }) => ({
    path,
    headers: [`Authorization: ${authorization}`, 'Content-Type: application/json'],
    body: `{"channel":"t${tenant}","data":${data}}`,
  }),
};

/** Pipelined POSTs over a kept connection: the cheapest way into a server that is fed by HTTP. */
const byHttp = (kind) => async (options) => {
  let socket;
  const render = renderer();
  return {
    async hand(alerts) {
      // servers close a connection that was idle while the others were measured
      if (!socket?.writable) socket = await connected(options.port);
      const rendered = alerts.map((alert) => ({ ...alert, ...render(alert) }));
      const requests = rendered.map((alert) => {
        const { path, headers, body } = REQUESTS[kind](options, alert);
        const head = [`POST ${path} HTTP/1.1`, 'Host: bench', ...headers, `Content-Length: ${Buffer.byteLength(body)}`];
        return `${head.join('\r\n')}\r\n\r\n${body}`;
      });
      return write(socket, requests.join(''), rendered);
    },
    close: () => socket?.destroy(),
  };
};

/** Lines on a socket: the cheapest interface for a Node process. */
async function byLines({ port }) {
  const socket = await connected(port);
  const render = renderer();
  return {
    async hand(alerts) {
      const rendered = alerts.map(render);
      return write(
        socket,
        alerts.map(({ tenant }, i) => `t${tenant} ${rendered[i].seq} ${rendered[i].data}\n`).join(''),
        rendered,
      );
    },
    close: () => socket.destroy(),
  };
}

async function connected(port) {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  // the responses are not counted; what counts is what arrives at the subscribers
  socket.resume();
  return socket;
}

async function write(socket, text, rendered) {
  const handedAt = nowMicroseconds();
  if (!socket.write(text)) await Promise.race([once(socket, 'drain'), sleep(1_000)]);
  return { handedAt, seqs: rendered.map(({ seq }) => seq) };
}

// ---- the pace -------------------------------------------------------------------------------------------------------

const waysIn = {
  log: throughTheLog,
  http: byHttp('http'),
  forms: byHttp('forms'),
  commands: byHttp('commands'),
  lines: byLines,
};
let way;
let nextId = Date.now() * 1000;
let nextTenant = 0;

/** `rate` alerts a second for `seconds`, tenants in turn. Late alerts are sent together, as from a queue. */
async function feed({ rate, seconds, tenants }) {
  const total = Math.round(rate * seconds);
  const handed = new Float64Array(total * 4);
  const startedAt = performance.now();
  const startedAtMicroseconds = nowMicroseconds();
  let sent = 0;
  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * rate) + 1, sent + MAX_BATCH);
    if (due <= sent) {
      await sleep(1);
      continue;
    }
    const alerts = Array.from({ length: due - sent }, () => ({ tenant: nextTenant++ % tenants, id: nextId++ }));
    const { handedAt, seqs } = await way.hand(alerts);
    seqs.forEach((seq, i) =>
      handed.set([alerts[i].tenant, seq, handedAt, startedAtMicroseconds + ((sent + i) / rate) * 1e6], (sent + i) * 4),
    );
    sent = due;
  }
  return { published: total, elapsedMs: performance.now() - startedAt, handed };
}

/** Stores alerts in batches, one batch at a time. */
async function store({ alerts, batch, tenants }) {
  for (let stored = 0; stored < alerts; stored += batch)
    await way.hand(
      Array.from({ length: Math.min(batch, alerts - stored) }, () => ({
        tenant: nextTenant++ % tenants,
        id: nextId++,
      })),
    );
}

const acts = {
  open: async ({ kind, ...options }) => void (way = await waysIn[kind](options)),
  feed,
  store,
  close: async () => void (await way?.close()),
};
process.on('message', async ({ act, ...options }) => {
  try {
    process.send({ answer: await acts[act](options) });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
