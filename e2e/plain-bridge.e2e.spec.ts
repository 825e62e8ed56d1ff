import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { PrivateNats } from './faults/private-services';
import type { AppProcess, Environment } from './kit/processes';
import { describeWith } from './kit/programs';
import { Stack } from './kit/stack';

describe('alerts of a program that publishes plain JSON in Redis', () => {
  let stack: Stack;
  let plainPrefix: string;
  let environment: Record<string, string>;
  let counter = 0;
  beforeAll(async () => {
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, gateways: 0, processors: 0 });
    plainPrefix = `${stack.prefix}plain:`;
    environment = { REDIS_PLAIN: 'both', REDIS_PLAIN_PREFIX: plainPrefix, REDIS_PLAIN_SERVICE: 'legacy' };
    await Promise.all([
      stack.startProcessor(environment),
      stack.startProcessor(environment),
      stack.startGateway(environment),
    ]);
    await taker();
  }, 120_000);
  afterAll(() => stack?.close(), 60_000);

  /** The processor that takes the messages at present, once it is the only one. */
  const taker = async (): Promise<AppProcess> => {
    let found: AppProcess[] = [];
    await eventually(async () => {
      const takes = await Promise.all(
        stack.processors.map(async (one) => ((await one.metric('tocsin_plain_taking')) === 1 ? [one] : [])),
      );
      found = takes.flat();
      expect(found).toHaveLength(1);
    }, 20_000);
    return found[0]!;
  };
  const say = (body: object | string, tenant = 'bakery', prefix = stack.prefix) =>
    stack.redis.publish(`${prefix}alerts:${tenant}`, typeof body === 'string' ? body : JSON.stringify(body));
  /** A message without an id: nothing but the bridge could see that it came twice. */
  const next = () => ({ priority: 'P2', summary: `plain-${counter++}` });
  /** Publishes a message every few milliseconds until the end; `sent` are their titles so far. */
  const publishing = (everyMs: number) => {
    const sent: string[] = [];
    let ended = false;
    const done = (async () => {
      while (!ended) {
        const message = next();
        sent.push(message.summary);
        await say(message);
        await sleep(everyMs);
      }
    })();
    const end = () => {
      ended = true;
      return done;
    };
    return { sent, end };
  };
  const stored = async (): Promise<string[]> =>
    (await stack.sql<{ title: string }>(`select title from tocsin.event where title like 'plain-%' order by seq`)).map(
      ({ title }) => title,
    );
  const replace = async (one: AppProcess, end: () => Promise<unknown>) => {
    stack.processors.splice(stack.processors.indexOf(one), 1);
    await end();
    await stack.startProcessor(environment);
  };

  it('are stored and streamed like any other, and the start says what is not promised', async () => {
    const stream = await stack.watch('ana');
    const { summary } = next();
    expect(await say({ summary, priority: 'P1', tenant_id: 'bakery', event_id: 'e-1' })).toBe(2); // gateway and bridge
    const entry = JSON.parse((await stream.entry('e-1')).data) as object;
    expect(entry).toMatchObject({ title: summary, severity: 'urgent', service: 'legacy', tenant_id: 'bakery' });
    stream.close();
    const started = stack.processors[0]!.log.find(({ msg }) => /enabled, \d+ warnings?$/.test(String(msg)))!;
    expect(JSON.stringify(started)).toContain('at most once');
    expect(await stack.gateway.metric('tocsin_invalid_hints_total')).toBe(0);
    expect(stack.processes.output).not.toContain('a plain message was dropped');
  });

  it('are each stored once by one of several processors, also while the one that takes them is replaced', async () => {
    const { sent, end } = publishing(2);
    const one = await taker();
    await eventually(() => expect(sent.length).toBeGreaterThan(50));
    await replace(one, () => one.stop());
    await taker();
    const soFar = sent.length;
    await eventually(() => expect(sent.length).toBeGreaterThan(soFar + 50));
    await end();
    await eventually(
      async () => expect((await stored()).filter((title) => sent.includes(title))).toHaveLength(sent.length),
      20_000,
    );
    expect(new Set(await stored()).size).toBe((await stored()).length);
  }, 60_000);

  it('are never stored twice when that processor stands still or is killed, and others take over within seconds', async () => {
    const { sent, end } = publishing(10);
    const still = await taker();
    process.kill(still.pid, 'SIGSTOP');
    let other!: AppProcess;
    await eventually(async () => {
      other = stack.processors.find((one) => one !== still)!;
      expect(await other.metric('tocsin_plain_taking')).toBe(1);
    }, 20_000);
    process.kill(still.pid, 'SIGCONT');
    expect(await taker()).toBe(other);

    const killedAt = performance.now();
    await replace(other, () => other.kill());
    await taker();
    const tookMs = performance.now() - killedAt;
    const [before, last] = [sent.length, next()];
    await eventually(() => expect(sent.length).toBeGreaterThan(before + 20));
    await end();
    await say(last);
    await eventually(async () => expect(await stored()).toContain(last.summary), 20_000);

    const titles = await stored();
    expect(new Set(titles).size).toBe(titles.length);
    const lost = sent.filter((title) => !titles.includes(title));
    process.stdout.write(
      `  the bridge: ${lost.length} of ${sent.length} messages lost at a kill, ${Math.round(tookMs)} ms\n`,
    );
    // those of the seconds in which no process took any, and no others
    expect(sent.indexOf(lost.at(-1)!) - sent.indexOf(lost[0]!)).toBe(lost.length - 1);
  }, 90_000);

  it('become dead letters when they are no alert, and are none when Tocsin published them itself', async () => {
    const heard: string[] = [];
    const subscriber = stack.redis.duplicate();
    await subscriber.psubscribe(`${plainPrefix}alerts:*`);
    subscriber.on('pmessage', (_pattern: string, _topic: string, message: string) => heard.push(message));
    const before = await stack.sql('select 1 from tocsin.event');

    await say('ping');
    await say({ tenant_id: 'brewery', summary: 'of another tenant' });
    const { summary } = next();
    await say({ summary });
    await eventually(async () => expect(await stored()).toContain(summary));
    await eventually(() => expect(heard).toHaveLength(1));
    // a program that passes on what it hears
    await say(heard[0]!);
    await eventually(async () =>
      expect(await (await taker()).metric('tocsin_plain_messages_total', 'own_entry')).toBeGreaterThanOrEqual(2),
    );
    const letters = await stack.sql('select tenant_id, reason from tocsin.dead_letter order by dead_letter_id');
    expect(letters).toEqual([
      { tenant_id: 'bakery', reason: 'invalid_json' },
      { tenant_id: null, reason: 'tenant_forbidden' },
    ]);
    expect(await stack.sql('select 1 from tocsin.event')).toHaveLength(before.length + 1);
    expect(heard).toHaveLength(1);
    subscriber.disconnect();
  });
});

const storesWhatOthersPublish = async (environment: Environment) => {
  const bridge: Environment = { RABBITMQ_URL: '', ...environment, REDIS_PLAIN: 'bridge' };
  const stack = await Stack.open({
    tenants: { ana: ['bakery'] },
    gatewayEnvironment: bridge,
    processorEnvironment: bridge,
  });
  try {
    await eventually(async () => expect(await stack.processors[0]!.metric('tocsin_plain_taking')).toBe(1));
    const stream = await stack.watch('ana');
    const body = JSON.stringify({ service: 'oven', title: 'Cold', event_id: 'e-1' });
    await stack.redis.publish(`${stack.prefix}alerts:bakery`, body);
    expect(JSON.parse((await stream.entry('e-1')).data)).toMatchObject({ title: 'Cold', service: 'oven' });
    stream.close();
  } finally {
    await stack.close();
  }
};

it.each([
  { queue: 'redis', environment: { QUEUE: 'redis' } },
  { queue: 'postgres', environment: { QUEUE: 'postgres', BUS: 'postgres' } },
])(
  'the bridge with the queue in $queue stores what others publish',
  ({ environment }) => storesWhatOthersPublish(environment as Environment),
  60_000,
);

describeWith('nats-server', 'the bridge with queue and bus in NATS', () => {
  it('stores what others publish', async () => {
    const nats = await PrivateNats.start();
    try {
      await storesWhatOthersPublish({ QUEUE: 'nats', BUS: 'nats', NATS_URL: nats.url });
    } finally {
      await nats.remove();
    }
  }, 60_000);
});

describe('the bridge with a queue in Redis that is full', () => {
  it('puts no more into it than REDIS_QUEUE_LIMIT, and the rest once there is room', async () => {
    const [limit, sent] = [1_000, 1_300];
    const stack = await Stack.open({
      tenants: { ana: ['bakery'] },
      gateways: 0,
      processorEnvironment: {
        ...{ QUEUE: 'redis', RABBITMQ_URL: '', REDIS_PLAIN: 'bridge', REDIS_PLAIN_SERVICE: 'legacy' },
        REDIS_QUEUE_LIMIT: String(limit),
      },
    });
    try {
      await eventually(async () => expect(await stack.processors[0]!.metric('tocsin_plain_taking')).toBe(1));
      // nothing can be stored, so nothing leaves the queue
      await stack.sql('begin');
      await stack.sql('lock table tocsin.tenant_stream in access exclusive mode');
      const burst = stack.redis.pipeline();
      for (let n = 0; n < sent; n += 1)
        burst.publish(`${stack.prefix}alerts:bakery`, JSON.stringify({ summary: `plain-${n}` }));
      await burst.exec();
      await eventually(() => expect(stack.processes.output).toContain('plain messages wait'));
      expect(await stack.redis.xlen(`${stack.prefix}queue:common`)).toBeLessThanOrEqual(limit);
      await stack.sql('commit');
      await eventually(async () => expect(await stack.sql('select 1 from tocsin.event')).toHaveLength(sent), 30_000);
    } finally {
      await stack.close();
    }
  }, 90_000);
});

describe('a plain message where no bridge is', () => {
  it('is dropped by the gateway that hears it, which warns with the name of the topic', async () => {
    const stack = await Stack.open({ tenants: { ana: ['bakery'] } });
    try {
      const stream = await stack.watch('ana');
      const topic = `${stack.prefix}alerts:bakery`;
      await stack.redis.publish(topic, JSON.stringify({ service: 'oven', title: 'Cold' }));
      await eventually(() =>
        expect(stack.gateway.log).toContainEqual(
          expect.objectContaining({ level: 'warn', topic, msg: expect.stringContaining('REDIS_PLAIN=bridge') }),
        ),
      );
      expect(await stack.gateway.metric('tocsin_invalid_hints_total')).toBe(1);
      stream.close();
    } finally {
      await stack.close();
    }
  }, 60_000);
});
