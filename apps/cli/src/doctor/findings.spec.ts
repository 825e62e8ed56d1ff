import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { checkCors, checkExposure } from './check-edge';
import { checkQueues } from './check-queues';
import { clockSkew, FINDINGS } from './findings';

test('docs/operate.md has every finding with its remedy', () => {
  const page = readFileSync(join(__dirname, '../../../../docs/operate.md'), 'utf8');
  for (const [name, remedy] of Object.entries(FINDINGS))
    expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\| .+\\. \\| ${remedy.replace(/[.()*+?]/g, '\\$&')} \\|$`, 'm'));
});

test('a clock is off when it shows a time that lies more than 3 s outside of the request', () => {
  expect(clockSkew('it', 5_000, 5_000, 9_000)).toEqual([]);
  expect(clockSkew('it', 2_000, 5_000, 9_000)).toEqual([]);
  expect(clockSkew('it', 12_000, 5_000, 9_000)).toEqual([]);
  expect(clockSkew('it', NaN, 5_000, 9_000)).toEqual([]);
  expect(clockSkew('it', 13_500, 5_000, 9_000)).toEqual([
    { finding: 'clock_skew', detail: "The clock of it is 5 s ahead of this machine's." },
  ]);
  expect(clockSkew('it', 1_000, 5_000, 9_000)).toEqual([
    { finding: 'clock_skew', detail: "The clock of it is 4 s behind this machine's." },
  ]);
});

test('queues: a backlog, and a broker that does not answer', async () => {
  const states = (messages: number) => () => Promise.resolve([{ queue: 'q', state: { messages, consumers: 1 } }]);
  expect((await checkQueues(states(10_000))).findings).toEqual([]);
  expect((await checkQueues(states(10_001))).findings).toEqual([
    { finding: 'backlog', detail: '10001 messages wait in q.' },
  ]);
  const away = () => Promise.reject(Object.assign(new Error('amqp://u:hush@host'), { code: 'ECONNREFUSED' }));
  expect((await checkQueues(away)).findings).toEqual([
    { finding: 'broker_unreachable', detail: 'RabbitMQ does not answer (ECONNREFUSED).' },
  ]);
});

test('what was not answered is not called good', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const base = new URL(`http://127.0.0.1:${(closed.address() as AddressInfo).port}/`);
  closed.close();
  await once(closed, 'close');
  expect(await checkExposure(base)).toEqual({
    check: 'exposure',
    skipped: '/metrics was not answered (ECONNREFUSED), /health was not answered (ECONNREFUSED)',
    findings: [],
  });
  expect(await checkCors(base, 'https://app.example.com')).toEqual({
    check: 'cors',
    skipped: `${base.host} did not answer (ECONNREFUSED)`,
    findings: [],
  });
});
