import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { ask } from './kit/http';
import { Stack } from './kit/stack';

const USER = 'ana';
const TENANT = 'bakery';

describe('a start while Redis is away', () => {
  let stack: Stack;
  let redis: FaultProxy;
  beforeAll(async () => {
    redis = await FaultProxy.to(process.env.REDIS_URL!);
    redis.refuse();
    const away = { REDIS_URL: redis.via(process.env.REDIS_URL!) };
    stack = await Stack.open({
      tenants: { [USER]: [TENANT] },
      gatewayEnvironment: away,
      processorEnvironment: away,
    });
  });
  afterAll(async () => {
    await stack?.close();
    await redis?.close();
  });

  const healthOf = async (adminUrl: string) => (await ask(adminUrl, '/health')).json;

  it('serves: alerts arrive from the log, and health says degraded', async () => {
    const stream = await stack.watch(USER);
    await stack.amqp.publish('alert.urgent.ovens', { tenant_id: TENANT, title: 'Oven 2 is cold' });
    const frame = await stream.frame('notification');
    expect(JSON.parse(frame.data)).toMatchObject({ tenant_id: TENANT, seq: 1 });
    stream.close();
    for (const { adminUrl } of [stack.gateway, stack.processors[0]!])
      expect(await healthOf(adminUrl)).toMatchObject({
        status: 'degraded',
        dependencies: { redis: { status: 'down' } },
      });
    expect(stack.gateway.log).toContainEqual(
      expect.objectContaining({ dependency: 'redis', msg: 'a dependency is down' }),
    );
  });

  it('is whole once Redis is there', async () => {
    redis.refuse(false);
    for (const { adminUrl } of [stack.gateway, stack.processors[0]!])
      await eventually(async () => expect(await healthOf(adminUrl)).toMatchObject({ status: 'ok' }), 15_000);
  });
});
