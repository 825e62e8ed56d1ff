import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OtlpReceiver } from './kit/otlp-receiver';
import { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { JWT_SECRET, tokenFor } from './kit/tokens';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-leaks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const message = (title: string) => ({ tenant_id: 'bakery', id: 'leak', title });
/** A program in place of the processor, which writes a secret of its own to a place where it may not stand. */
function talking(script: string): { main: string } {
  const main = join(folder, `talks-${script.length}.cjs`);
  writeFileSync(
    main,
    `${script}
     require('node:http').createServer((q, r) => r.end(q.url === '/metrics' ? metrics : '')).listen(0, '127.0.0.1', function () {
       console.log(JSON.stringify({ msg: 'consuming', admin_port: this.address().port }));
     });
     process.on('SIGTERM', () => process.exit(0));`,
  );
  return { main };
}

const PLANTED: [string, RegExp, (stack: Stack) => Promise<unknown>][] = [
  [
    'a secret in a log',
    /^Error: Leak: The value of JWT_SECRET is in the log of alert-processor/,
    (stack) =>
      stack.startProcessor({ JWT_SECRET }, talking(`const metrics = ''; console.log(process.env.JWT_SECRET);`)),
  ],
  [
    'a token in a metric',
    /^Leak: A token is in the metrics of alert-processor/,
    (stack) =>
      stack.startProcessor(
        {},
        talking(`const metrics = 'tocsin_up{token="' + ${JSON.stringify(tokenFor('ana'))} + '"} 1';`),
      ),
  ],
  [
    'a token in a table',
    /^Leak: A secret or a token is in the table tocsin\.(?:alert|event)$/,
    async (stack) => {
      await stack.startProcessor();
      await stack.amqp.publish('alert.low.inventory', message(`Bearer ${tokenFor('ana')}`));
      await stack.stored(1);
    },
  ],
  [
    'a secret in bytes of a table',
    /^Leak: A secret or a token is in the table tocsin\.kept/,
    async (stack) => {
      await stack.startProcessor({ JWT_SECRET });
      await stack.sql(`create table tocsin.kept as select convert_to('a ${JWT_SECRET}', 'UTF8') as bytes`);
    },
  ],
  [
    'a secret in a key of Redis',
    /^Leak: The value of JWT_SECRET is in the key /,
    async (stack) => {
      await stack.startProcessor({ JWT_SECRET });
      await stack.redis.hset(`${stack.prefix}kept`, 'field', JWT_SECRET, 'other', '1');
      await stack.redis.expire(`${stack.prefix}kept`, 60);
    },
  ],
];

it.each(PLANTED)(
  '%s fails the end of a test',
  async (_, says, plant) => {
    const stack = await Stack.open({ gateways: 0, processors: 0 });
    try {
      await plant(stack);
    } finally {
      await expect(stack.close().catch((error: unknown) => String(error))).resolves.toMatch(says);
    }
  },
  60_000,
);

it('a token in a span fails the end of a test', async () => {
  const receiver = await OtlpReceiver.start();
  const span = { traceId: '1', spanId: '2', name: 'GET', startTimeUnixNano: '1', endTimeUnixNano: '2', status: {} };
  const attributes = [{ key: 'url.query', value: { stringValue: `token=${tokenFor('ana')}` } }];
  const resourceSpans = [{ resource: { attributes: [] }, scopeSpans: [{ spans: [{ ...span, attributes }] }] }];
  await fetch(`${receiver.environment.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`, {
    method: 'POST',
    body: JSON.stringify({ resourceSpans }),
  });
  await expect(receiver.close()).rejects.toThrow('A token is in a span');
});

it('a system that tells nothing closes, with a token in an address and an alert behind it', async () => {
  const stack = await Stack.open({ tenants: { ana: ['bakery'] } });
  const stream = await SseStream.open(stack.eventsUrl(), { query: { token: tokenFor('ana') } });
  await stream.frame('connection');
  stream.close();
  await stack.amqp.publish('alert.low.inventory', message('Flour is low'));
  await stack.stored(1);
  const startedAt = performance.now();
  await stack.search();
  process.stdout.write(`    the search of a stack: ${(performance.now() - startedAt).toFixed(0)} ms\n`);
  await stack.close();
}, 60_000);
