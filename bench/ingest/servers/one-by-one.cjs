// How a service usually does this work: an amqplib consumer with a prefetch, and for each alert one transaction, one
// publish and one acknowledgement. It validates, plans, removes duplicates, numbers, writes the same tables and sends
// the same hint as Tocsin, with Tocsin's own pure functions. Its statements are prepared, its pool has as many
// connections as its prefetch, and row-level security does not apply to it: where there was a choice, it has the faster
// option.
const { randomBytes, randomUUID } = require('node:crypto');
const { join } = require('node:path');
const { stdout, env } = require('node:process');
const { connect } = require('amqplib');
const { Pool } = require('pg');

const load = (path) => require(join(env.BENCH_BUILD, path));
const { hintOf } = load('libs/contracts/src/index.js');
const { parseAlertMessage } = load('libs/messages/src/index.js');
const { createLogger, Metrics } = load('libs/observability/src/index.js');
const { RedisConnection, RedisEventBus } = load('libs/redis/src/index.js');
const { planDeliveries } = load('apps/alert-processor/src/plan-deliveries.js');

const prefetch = Number(env.PREFETCH);
const POOL_LIMIT = 20;
const pool = new Pool({
  connectionString: env.DATABASE_URL,
  max: Math.min(prefetch, POOL_LIMIT),
  application_name: 'bench one by one',
});
const redis = new RedisConnection(env.REDIS_URL, env.REDIS_PREFIX);
const bus = new RedisEventBus(
  { url: env.REDIS_URL, prefix: env.REDIS_PREFIX, hintKey: env.REDIS_HINT_KEY },
  redis,
  createLogger({ app: 'bench', level: 'silent' }),
  new Metrics({ app: 'bench', version: '0' }),
);

const EVENT_COLUMNS =
  'tenant_id, seq, fp, event_id, alert_id, change, status, severity, type, service, name, title, message, occurrences, occurred_at, received_at, dedup_key, first_seen_at, last_seen_at, labels, actions, metadata';
const placeholders = (count) => Array.from({ length: count }, (_, i) => `$${i + 1}`).join(', ');
const SQL = {
  open: 'insert into tocsin.tenant_stream (tenant_id) values ($1) on conflict do nothing',
  lock: 'select epoch, last_seq::int as last_seq, last_fp from tocsin.tenant_stream where tenant_id = $1 for no key update',
  known: 'select seq::int as seq, body_hash from tocsin.idempotency where tenant_id = $1 and service = $2 and id = $3',
  count: 'update tocsin.tenant_stream set last_seq = $2, last_fp = $3 where tenant_id = $1',
  remember:
    'insert into tocsin.idempotency (tenant_id, service, id, seq, epoch, fp, body_hash, stored_at) values ($1, $2, $3, $4, $5, $6, $7, $8)',
  log: `insert into tocsin.event (${EVENT_COLUMNS}) values (${placeholders(22)})`,
  raise: `insert into tocsin.alert (tenant_id, alert_id, service, dedup_key, type, name, title, message, status, severity, state_at, occurrences, first_seen_at, last_seen_at,
          first_seq, described_seq, last_seq, labels) values (${placeholders(18)})`,
  // a null stands for the recipients of the tenant, and the tenants of this bench have none
  plan: 'insert into tocsin.delivery (tenant_id, alert_id, seq, channel, recipient, due_at, created_at) select $1, $2, $3, c, r, $6, $6 from unnest($4::text[], $5::text[]) as d(c, r) where r is not null',
};
const opened = new Set();
const run = (client, name, values) => client.query({ name, text: SQL[name], values });

/** One transaction. Returns the stored event, or undefined for a duplicate. */
async function store(client, message, body_hash) {
  const {
    tenant_id,
    service,
    id,
    type,
    severity,
    status,
    name = null,
    title,
    message: text = null,
    occurred_at = null,
    dedup_key = null,
    labels,
    actions,
    metadata,
  } = message;
  if (!opened.has(tenant_id)) {
    await run(client, 'open', [tenant_id]);
    opened.add(tenant_id);
  }
  await client.query('begin');
  const { epoch, last_seq, last_fp } = (await run(client, 'lock', [tenant_id])).rows[0];
  if ((await run(client, 'known', [tenant_id, service, id])).rows.length > 0) {
    await client.query('commit');
    return undefined;
  }
  const [seq, fp, alert_id, now] = [
    last_seq + 1,
    randomBytes(4).toString('hex'),
    randomUUID(),
    new Date().toISOString(),
  ];
  await run(client, 'count', [tenant_id, seq, fp]);
  await run(client, 'remember', [tenant_id, service, id, seq, epoch, fp, body_hash, now]);
  const json = [labels, actions, metadata].map((value) => JSON.stringify(value));
  await run(client, 'log', [
    tenant_id,
    seq,
    fp,
    id,
    alert_id,
    'raised',
    status,
    severity,
    type,
    service,
    name,
    title,
    text,
    1,
    occurred_at,
    now,
    dedup_key,
    now,
    now,
    ...json,
  ]);
  await run(client, 'raise', [
    tenant_id,
    alert_id,
    service,
    dedup_key,
    type,
    name,
    title,
    text,
    status,
    severity,
    occurred_at ?? now,
    1,
    now,
    now,
    seq,
    seq,
    seq,
    json[0],
  ]);
  const deliveries = planDeliveries(message);
  if (deliveries.length > 0)
    await run(client, 'plan', [
      tenant_id,
      alert_id,
      seq,
      deliveries.map(({ channel }) => channel),
      deliveries.map(({ recipient }) => recipient),
      now,
    ]);
  await client.query('commit');
  const entry = {
    tenant_id,
    seq,
    event_id: id,
    alert_id,
    change: 'raised',
    status,
    severity,
    previous: null,
    type,
    service,
    name,
    title,
    message: text,
    occurrences: 1,
    folded: 0,
    occurred_at,
    received_at: now,
    dedup_key,
    first_seen_at: now,
    last_seen_at: now,
    labels,
    actions,
    metadata,
    assignee: null,
    snoozed_until: null,
    actor: null,
    note: null,
    trace_id: null,
  };
  return { epoch, seq, fp, prev_fp: last_fp, entry };
}

async function handle(channel, delivery) {
  const { content, fields, properties } = delivery;
  const parsed = parseAlertMessage(
    content,
    {
      routing_key: fields.routingKey,
      message_id: properties.messageId,
      timestamp: properties.timestamp,
      headers: properties.headers,
    },
    'lenient',
  );
  if (!parsed.ok) throw new Error(`the bench publishes no such message: ${parsed.code}`);
  const client = await pool.connect();
  let event;
  try {
    event = await store(client, parsed.message, parsed.body_hash);
  } finally {
    client.release();
  }
  if (event) await bus.publish([{ tenant_id: event.entry.tenant_id, ...hintOf(event) }]);
  channel.ack(delivery);
}

async function main() {
  const connection = await connect(env.RABBITMQ_URL, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.prefetch(prefetch);
  const fail = (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  };
  for (const queue of ['alert-processor.urgent', 'alert-processor']) {
    await channel.consume(env.RABBITMQ_PREFIX + queue, (delivery) => handle(channel, delivery).catch(fail), {
      noAck: false,
    });
  }
  stdout.write('{"msg":"consuming"}\n');
  process.once('SIGTERM', () => connection.close().finally(() => process.exit()));
}

void main();
