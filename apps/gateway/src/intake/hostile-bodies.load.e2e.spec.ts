import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Refused } from '@tocsin/contracts';
import { Turns } from '@tocsin/messages';
import { readEvents, type PublishRequest, type ReadEvents } from './read-events';

const MiB = 1024 * 1024;
const MOST = 8 * MiB;
const EVENT_BODY = 512 * 1024;
const MAX_BYTES = 65_536;
const valid = { tenant_id: 'bakery', service: 'inventory', severity: 'low' };

const alert = (more: object = {}) => ({
  status: 'firing',
  labels: { alertname: 'Cold', tenant_id: 'bakery' },
  annotations: {},
  startsAt: '2026-01-02T03:04:05Z',
  ...more,
});
const event = (custom_details: object) =>
  JSON.stringify({
    routing_key: 'k',
    event_action: 'trigger',
    dedup_key: 'd',
    payload: { summary: 's', custom_details: { ...custom_details, tenant_id: 'bakery' } },
  });
const group = (alerts: unknown[]) => JSON.stringify({ version: '4', groupKey: '{}', alerts });
const fields = (count: number, value: unknown = 1) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`field_${i}`, value]));
const filled = (unit: string, bytes = MOST) =>
  Array.from({ length: Math.floor((bytes - 2) / (unit.length + 1)) }, () => unit).join(',');

/** Bodies within the route's limit that could cost a parser much time. */
const BODIES: readonly [name: string, body: () => string][] = [
  ['a field name of 2 MB', () => JSON.stringify({ ...valid, ['x'.repeat(2 * MiB)]: 1 })],
  ['a field name of 60 kB', () => JSON.stringify({ ...valid, ['x'.repeat(60_000)]: 1 })],
  ['300,000 unknown fields', () => JSON.stringify({ ...valid, ...fields(300_000) })],
  ['unknown fields in one message of 64 KiB', () => JSON.stringify({ ...valid, ...fields(3_500) })],
  [
    '500 messages of 1,000 unknown fields',
    () => JSON.stringify(Array.from({ length: 500 }, () => ({ ...valid, ...fields(900) }))),
  ],
  [
    '500 messages of 16 kB',
    () =>
      JSON.stringify(
        Array.from({ length: 500 }, () => ({
          ...valid,
          message: 'x'.repeat(8_000),
          metadata: { more: 'x'.repeat(8_000) },
        })),
      ),
  ],
  [
    '127 messages of 64 KiB, all of numbers',
    () => `[${filled(JSON.stringify({ ...valid, metadata: { n: Array.from({ length: 32_000 }, () => 1) } }))}]`,
  ],
  ['8 MiB of empty lists', () => `[${filled('[]')}]`],
  ['8 MiB of empty objects', () => `[${filled('{}')}]`],
  ['8 MiB of empty objects as alerts', () => `{"version":"4","groupKey":"{}","alerts":[${filled('{}', MOST - 100)}]}`],
  ['8 MiB of empty lists in one field', () => `{"metadata":{"a":[${filled('[]', MOST - 100)}]}}`],
  ['8 MiB of opening brackets', () => '['.repeat(MOST)],
  ['8 MiB of white space', () => ' '.repeat(MOST)],
  ['8 MiB of one text', () => `{"message":"${'x'.repeat(MOST - 20)}"}`],
  ['512 KiB of empty lists in one event', () => event({ a: JSON.parse(`[${filled('[]', EVENT_BODY - 200)}]`) })],
  ['19,000 texts in one event of 512 KiB', () => event({ a: Array.from({ length: 19_000 }, () => 'x'.repeat(24)) })],
  ['a text of 512 KiB in one event', () => event({ a: '\u0007'.repeat(EVENT_BODY / 7) })],
  ['8 MiB of escapes', () => `["${'\\u00e9'.repeat(MOST / 6 - 10)}"]`],
  ['8 MiB of texts in two bytes', () => `[${filled(`"${'é'.repeat(10_000)}"`, MOST / 2)}]`],
  [
    '500 alerts, all refused',
    () => group(Array.from({ length: 500 }, () => alert({ labels: { a: 'x'.repeat(10_000) } }))),
  ],
  [
    '500 alerts with 16 kB of annotations',
    () =>
      group(
        Array.from({ length: 500 }, (_, i) =>
          alert({ fingerprint: `f${i}`, annotations: { summary: 's', text: 'x'.repeat(15_000) } }),
        ),
      ),
  ],
  [
    '500 alerts with 600 labels',
    () =>
      group(
        Array.from({ length: 500 }, (_, i) =>
          alert({ fingerprint: `f${i}`, labels: { tenant_id: 'bakery', ...fields(600, 'v') } }),
        ),
      ),
  ],
  ['20,000 empty actions', () => JSON.stringify({ ...valid, actions: Array.from({ length: 20_000 }, () => ({})) })],
  [
    '10,000 recipients that are none',
    () => JSON.stringify({ ...valid, recipients: Array.from({ length: 10_000 }, () => 1) }),
  ],
  ['10,000 labels', () => JSON.stringify({ ...valid, labels: fields(4_000, 'v') })],
  [
    '500 messages of 1,000 empty actions',
    () =>
      JSON.stringify(
        Array.from({ length: 500 }, () => ({ ...valid, actions: Array.from({ length: 1_000 }, () => ({})) })),
      ),
  ],
  [
    'a name of 60,000 underscores, as a webhook relaxes it',
    () => group([alert({ labels: { tenant_id: 'bakery', alertname: `!${'_'.repeat(60_000)}a` } })]),
  ],
  [
    'a service of 60,000 dashes, as a webhook relaxes it',
    () => group([alert({ labels: { tenant_id: 'bakery', service: `a${'-'.repeat(60_000)}a` } })]),
  ],
  ['a time of 60 kB', () => JSON.stringify({ ...valid, occurred_at: `2026-01-02T03:04:05${'0'.repeat(60_000)}` })],
  [
    'an address of 60 kB',
    () => JSON.stringify({ ...valid, actions: [{ label: 'a', url: `http://${'a.'.repeat(30_000)}` }] }),
  ],
];

/** Reads a request and every part of a group, as the intake does. */
async function readAll(request: PublishRequest): Promise<ReadEvents> {
  const read = await readEvents(request, MAX_BYTES);
  if (!('group' in read)) return read;
  const turns = new Turns();
  for (let index = 0; index < read.group.shape.count; index += 1) {
    if (turns.over) await turns.next();
    read.group.read(index, 'lenient');
  }
  return read;
}

const LIMIT_MS = 50;
/** The fastest of a few runs counts: other load on the machine is not under test. */
const RUNS = 12;

async function longestPause(act: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let least = Infinity;
  for (let run = 0; run < RUNS && least >= LIMIT_MS * 0.8; run += 1) {
    await sleep(5);
    delay.reset();
    delay.enable();
    await sleep(3);
    await act();
    await sleep(3);
    delay.disable();
    least = Math.min(least, delay.max / 1e6);
  }
  return least;
}

describe('a body within the limits does not hold up the others', () => {
  it.each(BODIES)(
    '%s',
    async (_name, body) => {
      const bytes = Buffer.from(body());
      expect(bytes.length).toBeLessThanOrEqual(MOST);
      const read = (): Promise<ReadEvents | Refused> =>
        readAll({ body: bytes, headers: {}, query: {} }).catch((error: unknown) => {
          if (error instanceof Refused) return error;
          throw error;
        });
      const pause = await longestPause(read);
      if (process.env.SHOW_FIGURES) process.stdout.write(`${pause.toFixed(1).padStart(8)} ms  ${_name}\n`);
      expect(pause).toBeLessThan(LIMIT_MS);

      const outcome = await read();
      const refusal = outcome instanceof Refused ? outcome : undefined;
      expect(refusal?.details.errors?.length ?? 0).toBeLessThanOrEqual(20);
      expect(JSON.stringify([refusal?.message, refusal?.details] satisfies unknown[]).length).toBeLessThan(20_000);
    },
    60_000,
  );
});

it('an answer lists twenty errors and says how many more there are', async () => {
  const request = {
    body: Buffer.from(
      JSON.stringify([
        { ...valid, ...fields(15) },
        { ...valid, ...fields(40) },
      ]),
    ),
    headers: {},
    query: {},
  };
  const refusal = await readEvents(request, MAX_BYTES).catch((error: unknown) => error as Refused);
  expect(refusal).toMatchObject({ code: 'unknown_field', details: { more_errors: 35 } });
  expect((refusal as Refused).details.errors).toHaveLength(20);
});
