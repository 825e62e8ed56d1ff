// The dashboards as code: `npm run settings` writes them to infrastructure/grafana/dashboards, from where Grafana reads
// them. Gauges that every instance reports alike are shown as their maximum, all else as a sum over the instances.

const RATE = '[$__rate_interval]';
const rate = (metric, matchers = '') => `rate(${metric}${matchers}${RATE})`;
const perSecond = (metric, by, matchers) => `sum by (${by}) (${rate(metric, matchers)})`;
const quantile = (q, metric, matchers = '', by = '') =>
  `histogram_quantile(${q}, sum by (le${by && `, ${by}`}) (${rate(`${metric}_bucket`, matchers)}))`;

/** A panel: a title, a sentence for its reader, a unit of Grafana's, and queries with their legends. */
const panel = (title, description, unit, ...queries) => ({ title, description, unit, queries });

const late = (stage, le) =>
  `1 - sum(${rate('tocsin_event_delivery_seconds_bucket', `{stage="${stage}",le="${le}"}`)}) / sum(${rate('tocsin_event_delivery_seconds_count', `{stage="${stage}"}`)})`;

const openStreams = panel('Open streams', 'Streams that are open, by gateway.', 'short', [
  'sum by (instance) (tocsin_sse_connections)',
  '{{instance}}',
]);
const delivery = panel(
  'From received to the sockets',
  'How long a live entry takes from its storing to the sockets of a gateway. Promised: 3 s.',
  's',
  [quantile(0.5, 'tocsin_event_delivery_seconds', '{stage="total"}'), 'half of them'],
  [quantile(0.99, 'tocsin_event_delivery_seconds', '{stage="total"}'), '99 %'],
);
const ingested = panel('Messages, by result', 'What became of the messages that left the queue.', 'cps', [
  perSecond('tocsin_ingest_messages_total', 'result'),
  '{{result}}',
]);
const letters = panel(
  'Open dead letters',
  'Refused messages that wait for a decision, by reason. Every gateway reports the same number.',
  'short',
  ['max by (reason) (tocsin_dead_letters)', '{{reason}}'],
);
const due = panel('How long the oldest delivery has been due', 'Grows when no notifier works on a channel.', 's', [
  'max by (channel) (tocsin_delivery_oldest_due_age_seconds)',
  '{{channel}}',
]);
const bus = panel('The bus', '1 while hints can arrive. At 0 alerts come up to 3 s later.', 'short', [
  'min by (job) (tocsin_bus_up{job=~"tocsin-(gateway|alert-processor)"})',
  '{{job}}',
]);
const pools = panel('Database pools', 'Callers that wait: the pool is too small, or the database too slow.', 'short', [
  'sum by (job, state) (tocsin_db_pool_connections)',
  '{{job}} {{state}}',
]);
const inRabbit = panel('Waiting in RabbitMQ', "By queue, from RabbitMQ's own metrics.", 'short', [
  'sum by (queue) (rabbitmq_detailed_queue_messages_ready{queue=~".*alert-processor.*"})',
  '{{queue}}',
]);
const consumers = panel('Consumers', '1 while messages can arrive from the queue.', 'short', [
  'sum by (queue) (tocsin_source_consumer_up)',
  '{{queue}}',
]);
const suspects = panel(
  'Delivered again, and suspected',
  'Messages that came back, and those that are stored alone since they came back too often.',
  'cps',
  [`sum(${rate('tocsin_source_redeliveries_total')})`, 'redelivered'],
  [`sum(${rate('tocsin_source_suspects_total')})`, 'suspects'],
);
const taken = panel(
  'What the services take',
  'The queue takes no messages at 1 (an alarm of RabbitMQ, or it is full); batches of hints that the bus did not take.',
  'short',
  ['max(tocsin_intake_blocked)', 'the queue is blocked'],
  [`sum(${rate('tocsin_publish_failures_total')})`, 'hints not taken, a second'],
);

const DASHBOARDS = {
  overview: {
    title: 'Tocsin: overview',
    panels: [
      panel('Processes', '1 for each process that can be read.', 'short', [
        'sum by (job) (up{job=~"tocsin-.*"})',
        '{{job}}',
      ]),
      panel('What runs', 'More than one build is right during a rollout alone.', 'short', [
        'count by (job, version, commit) (tocsin_build_info)',
        '{{job}} {{version}} {{commit}}',
      ]),
      panel(
        'Late, of the promised',
        'The share of entries on sockets after 3 s, and of urgent messages stored after 1 s. The objective is 0.1 %.',
        'percentunit',
        [late('total', '3'), 'after 3 s on the sockets'],
        [late('urgent', '1'), 'urgent, stored after 1 s'],
      ),
      openStreams,
      ingested,
      delivery,
      letters,
      due,
      bus,
      pools,
    ],
  },
  stream: {
    title: 'Tocsin: streams',
    panels: [
      openStreams,
      panel('Opened, by verdict', '`resumed` are clients that came back, `gap` those that missed entries.', 'cps', [
        perSecond('tocsin_sse_connections_opened_total', 'outcome'),
        '{{outcome}}',
      ]),
      panel('Refused, by reason', 'Requests for streams that were refused.', 'cps', [
        perSecond('tocsin_sse_connections_opened_total', 'reason', '{outcome="refused"}'),
        '{{reason}}',
      ]),
      panel('Ended, by reason', '`slow`: the client reads too slowly.', 'cps', [
        perSecond('tocsin_sse_connections_closed_total', 'reason'),
        '{{reason}}',
      ]),
      panel('How long streams live', 'Half of those that ended lived shorter.', 's', [
        quantile(0.5, 'tocsin_sse_connection_duration_seconds'),
        'half of them',
      ]),
      panel('Written to streams', 'Entries and heartbeats.', 'cps', [
        perSecond('tocsin_sse_events_sent_total', 'event'),
        '{{event}}',
      ]),
      panel('Bytes to streams', 'By gateway.', 'Bps', [
        perSecond('tocsin_sse_bytes_sent_total', 'instance'),
        '{{instance}}',
      ]),
      delivery,
      panel(
        'Reads of the log that fill feeds up',
        '`check` and `gap` rise when hints are lost, `hint` with large entries and batches.',
        'cps',
        [perSecond('tocsin_stream_backfills_total', 'cause'), '{{cause}}'],
        [`sum(${rate('tocsin_invalid_hints_total')})`, 'invalid hints'],
      ),
      panel('Gaps, by reason', 'Tenants of streams whose history could not be continued.', 'cps', [
        perSecond('tocsin_resets_total', 'reason'),
        '{{reason}}',
      ]),
      panel(
        'Until a returning stream is live',
        'The time from the request to live, for streams that were behind.',
        's',
        [quantile(0.99, 'tocsin_replay_seconds'), '99 %'],
      ),
      panel('Refused credentials, by reason', 'By error code.', 'cps', [
        perSecond('tocsin_auth_failures_total', 'reason'),
        '{{reason}}',
      ]),
    ],
  },
  pipeline: {
    title: 'Tocsin: pipeline',
    panels: [
      ingested,
      panel('Published, by tenant', 'Entries. A tenant beyond METRICS_TENANT_LIMIT counts as `other`.', 'cps', [
        `topk(10, ${perSecond('tocsin_events_published_total', 'tenant')})`,
        '{{tenant}}',
      ]),
      panel(
        'From the queue to stored',
        'How long messages take in the processor. Urgent ones are promised within 1 s.',
        's',
        [quantile(0.99, 'tocsin_event_delivery_seconds', '{stage="ingest"}'), 'all, 99 %'],
        [quantile(0.99, 'tocsin_event_delivery_seconds', '{stage="urgent"}'), 'urgent, 99 %'],
        [quantile(0.99, 'tocsin_event_delivery_seconds', '{stage="publish"}'), 'stored to published, 99 %'],
      ),
      panel('Size of a batch', 'Messages of one batch, on average.', 'short', [
        `sum(${rate('tocsin_ingest_batch_size_sum')}) / sum(${rate('tocsin_ingest_batch_size_count')})`,
        'messages',
      ]),
      inRabbit,
      consumers,
      letters,
      suspects,
      panel('Refused parts of webhooks, by reason', 'The other alerts of the webhook were published.', 'cps', [
        perSecond('tocsin_refused_parts_total', 'reason'),
        '{{reason}}',
      ]),
      taken,
    ],
  },
  engines: {
    title: 'Tocsin: engines',
    panels: [
      panel('Dependencies', '1 while some process of the job reaches it, by its name in /health.', 'short', [
        'max by (job, dependency) (tocsin_dependency_up)',
        '{{job}} {{dependency}}',
      ]),
      panel('Processes without a dependency', 'How many processes do not reach it.', 'short', [
        'sum by (job, dependency) (1 - tocsin_dependency_up)',
        '{{job}} {{dependency}}',
      ]),
      panel(
        'In NATS, Redis Streams or PostgreSQL',
        'Messages that no processor has settled, those in hand included. Every gateway reports the same number.',
        'short',
        ['max by (queue, kind) (tocsin_queue_messages)', '{{queue}} {{kind}}'],
      ),
      inRabbit,
      consumers,
      taken,
      suspects,
      bus,
      panel('The bus came back', 'Times that a subscribing connection was made again, by job.', 'cps', [
        perSecond('tocsin_bus_subscriber_reconnects_total', 'job'),
        '{{job}}',
      ]),
      panel('Streams counted by one gateway', 'The store of stream slots was away or slow.', 'cps', [
        perSecond('tocsin_stream_slots_local_total', 'instance'),
        '{{instance}}',
      ]),
      pools,
    ],
  },
  deliveries: {
    title: 'Tocsin: deliveries',
    panels: [
      due,
      panel('Due and not claimed', 'Every notifier reports the same number.', 'short', [
        'max by (channel) (tocsin_deliveries_due)',
        '{{channel}}',
      ]),
      panel('Ended, by channel and outcome', 'Deliveries that got their final status.', 'cps', [
        perSecond('tocsin_deliveries_total', 'channel, outcome'),
        '{{channel}} {{outcome}}',
      ]),
      panel('Attempts, by channel and outcome', '`retry`: another attempt follows.', 'cps', [
        perSecond('tocsin_delivery_attempts_total', 'channel, outcome'),
        '{{channel}} {{outcome}}',
      ]),
      panel('How long an attempt takes', '99 % of the attempts, by channel.', 's', [
        quantile(0.99, 'tocsin_delivery_attempt_seconds', '', 'channel'),
        '{{channel}}',
      ]),
      panel('Providers left alone', 'They failed several times in a row.', 'short', [
        'max by (channel) (tocsin_delivery_breakers_open)',
        '{{channel}}',
      ]),
    ],
  },
};

const WIDTH = 12;
const HEIGHT = 8;

const asPanel = ({ title, description, unit, queries }, index) => ({
  id: index + 1,
  type: 'timeseries',
  title,
  description,
  datasource: { type: 'prometheus', uid: 'prometheus' },
  gridPos: { x: (index % 2) * WIDTH, y: Math.floor(index / 2) * HEIGHT, w: WIDTH, h: HEIGHT },
  fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
  options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  targets: queries.map(([expr, legendFormat], at) => ({ refId: String.fromCharCode(65 + at), expr, legendFormat })),
});

/** Every dashboard by the name of its file, as Grafana's JSON. */
export const dashboards = () =>
  Object.fromEntries(
    Object.entries(DASHBOARDS).map(([name, { title, panels }]) => [
      `${name}.json`,
      `${JSON.stringify(
        {
          uid: `tocsin-${name}`,
          title,
          tags: ['tocsin'],
          editable: false,
          refresh: '30s',
          time: { from: 'now-3h', to: 'now' },
          timezone: 'browser',
          schemaVersion: 39,
          links: [{ type: 'dashboards', tags: ['tocsin'], title: 'Tocsin', asDropdown: true, keepTime: true }],
          panels: panels.map(asPanel),
        },
        null,
        2,
      )}\n`,
    ]),
  );
