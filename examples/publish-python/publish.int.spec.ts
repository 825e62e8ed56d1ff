import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAlertMessage } from '@tocsin/messages';
import { ExampleQueue } from '../testing/example-queue';

/** Debian's package serves Debian's Python, which need not be the first of the PATH. */
const python = ['python3', '/usr/bin/python3'].find((one) => spawnSync(one, ['-c', 'import pika']).status === 0);
const describeWithPika = python ? describe : describe.skip;

describeWithPika(`the example in Python${python ? '' : ' (skipped: python3-pika is not installed)'}`, () => {
  let queue: ExampleQueue;
  beforeAll(async () => (queue = await ExampleQueue.open()));
  afterAll(() => queue?.close());

  it('publishes a message with a confirm, and it is one that Tocsin takes', async () => {
    const { stdout } = await promisify(execFile)(python!, [join(__dirname, 'publish.py'), 'Sugar is running low'], {
      env: { ...process.env, ...queue.environment },
    });
    expect(stdout).toBe('confirmed stock-4712\n');
    const { content, fields, properties } = await queue.get();
    const envelope = { routing_key: fields.routingKey, message_id: String(properties.messageId) };
    expect(parseAlertMessage(content, envelope, 'strict')).toMatchObject({
      ok: true,
      message: { id: 'stock-4712', severity: 'urgent', service: 'inventory', title: 'Sugar is running low' },
    });
  });
});
