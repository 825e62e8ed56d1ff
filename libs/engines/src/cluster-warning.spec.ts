import { createServer, type AddressInfo, type Server } from 'node:net';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HintKey } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import { createLogger, Health, Log, Metrics } from '@tocsin/observability';
import { AppEngines } from './app-engines';
import { queueOf } from './queue-of';

type Config = Parameters<typeof queueOf>[0];

/** A node of a Redis Cluster, as far as the engines ask it at their start. */
const INFO = 'redis_version:7.0.15\r\nrole:master\r\nloading:0\r\ncluster_enabled:1\r\n';
const ANSWERS: Record<string, string> = { INFO: `$${INFO.length}\r\n${INFO}\r\n`, CONFIG: '-NOPERM not allowed\r\n' };
let node: Server;
let url: string;
beforeAll(async () => {
  node = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      for (const [, command] of bytes.toString().matchAll(/^\*\d+\r\n\$\d+\r\n(\w+)/gm))
        socket.write(ANSWERS[command!.toUpperCase()] ?? '+OK\r\n');
    });
  });
  await new Promise<void>((listening) => node.listen(0, '127.0.0.1', listening));
  url = `redis://127.0.0.1:${(node.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((closed) => node.close(closed)));

@Module({})
class Beside {}

/** A module of these values, as one beside the engines would export them. */
const exporting = (values: [abstract new (...parts: never[]) => unknown, object][]): DynamicModule => ({
  module: class extends Beside {},
  providers: values.map(([provide, useValue]): Provider => ({ provide, useValue })),
  exports: values.map(([provide]) => provide),
});

/** What the log says once the engines have asked the node all that they ask. */
async function saidBy(
  chosen: Pick<Config, 'QUEUE' | 'BUS'>,
  enginesOf: (engines: AppEngines, config: Config) => DynamicModule[],
): Promise<string[]> {
  const said: string[] = [];
  const destination = { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) };
  const checks: (() => Promise<unknown>)[] = [];
  const observability = exporting([
    [Log, createLogger({ app: 'test', destination })],
    [Metrics, new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 })],
    [Health, { add: (_name: string, check: () => Promise<unknown>) => void checks.push(check) }],
  ]);
  const config = { REDIS_URL: url, REDIS_PREFIX: '', ...chosen } as Config;
  const engines = new AppEngines(config, {
    role: 'tocsin_processor',
    applicationName: 'test',
    postgres: exporting([[HintKey, {}]]),
    observability,
  });
  const asked = enginesOf(engines, config);
  const app = await NestFactory.createApplicationContext({ module: Beside, imports: asked }, { logger: false });
  try {
    // the node answers in turn: once it has answered the check, it has answered what a connection asked first
    await eventually(() => Promise.all(checks.map((check) => check())));
    const tellsDurability = (line: string) => line.includes('how durable the queue is');
    const queues = asked.filter(({ module }) => module.name === 'RedisQueueModule').length;
    await eventually(() => expect(said.filter(tellsDurability)).toHaveLength(queues));
  } finally {
    await app.close();
  }
  return said;
}

const queue = (engines: AppEngines, config: Config) =>
  queueOf(config, engines, { health: { critical: true }, publishes: false });

test.each<{ where: string; chosen: Pick<Config, 'QUEUE' | 'BUS'>; enginesOf: Parameters<typeof saidBy>[1] }>([
  {
    where: 'queue and bus',
    chosen: { QUEUE: 'redis', BUS: 'redis' },
    enginesOf: (engines, config) => [queue(engines, config), engines.bus()],
  },
  {
    where: 'the queue alone',
    chosen: { QUEUE: 'redis', BUS: 'postgres' },
    enginesOf: (engines, config) => [queue(engines, config)],
  },
  { where: 'the bus alone', chosen: { QUEUE: 'rabbitmq', BUS: 'redis' }, enginesOf: (engines) => [engines.bus()] },
])('one address of a Redis Cluster that has $where is warned of once', async ({ chosen, enginesOf }) => {
  const said = await saidBy(chosen, enginesOf);
  expect(said.filter((line) => line.includes('one node of a Redis Cluster'))).toHaveLength(1);
});
