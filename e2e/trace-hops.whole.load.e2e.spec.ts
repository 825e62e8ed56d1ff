import { FaultProxy } from '@tocsin/fault-proxy';
import { BuiltCopy } from './faults/built-copy';
import { OtlpReceiver } from './kit/otlp-receiver';
import { PlainAmqp } from './kit/plain-amqp';
import type { AppProcess } from './kit/processes';
import { PARTS, ReportingScreen, type Part, type Parts } from './kit/reporting-screen';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

const DELAY_MS = 300;
const TOLERANCE_MS = 30;
/**
 * How many alerts a median is taken of. Each is published when the one before was shown, so that none waits. Alerts
 * without a delay are cheap, and on a busy machine their times differ by as much as those of the others.
 */
const ALERTS = { before: 15, during: 5 };

/** The proxies, by the connection that each is in. */
type Place = 'producer' | 'source' | 'database' | 'publisher' | 'subscriber' | 'log' | 'client';

/**
 * Every hop delays an alert once: a statement or command waits for its reply, so a delay of both directions would count
 * twice. Only the client's network is delayed in both, because its clock is corrected on the assumption that they take
 * equally long; what is sent to the client passes it once.
 */
const HOPS: readonly {
  hop: string;
  place: Place;
  ways: readonly ('to_server' | 'to_client')[];
  part: Part | 'no part';
}[] = [
  { hop: 'from the producer to RabbitMQ', place: 'producer', ways: ['to_server'], part: 'queue' },
  { hop: 'from RabbitMQ to the processor', place: 'source', ways: ['to_client'], part: 'queue' },
  { hop: 'from the processor to PostgreSQL', place: 'database', ways: ['to_server'], part: 'store' },
  { hop: 'from PostgreSQL to the processor', place: 'database', ways: ['to_client'], part: 'store' },
  { hop: 'from the processor to Redis', place: 'publisher', ways: ['to_server'], part: 'announce' },
  { hop: 'from Redis to the gateway', place: 'subscriber', ways: ['to_client'], part: 'announce' },
  { hop: 'in the network of the client', place: 'client', ways: ['to_server', 'to_client'], part: 'screen' },
  // a hint carries its entry, so an alert does not pass here
  { hop: 'from PostgreSQL to the gateway', place: 'log', ways: ['to_client'], part: 'no part' },
];

/** A gateway looks into the log every two seconds, and would find one alert in seven there before its delayed hint. */
const RARE_CHECKS = {
  file: 'apps/gateway/src/feeds/tenant-feeds.js',
  search: 'const CHECK_MS = 2_000;',
  replace: 'const CHECK_MS = 600_000;',
};
/** Makes a gateway keep each entry for a while before it writes it: there is no connection between the two. */
const SLOW_WRITE = {
  file: 'apps/gateway/src/feeds/joined-entries.js',
  search: 'else setImmediate(this.onDue);',
  replace: `else setTimeout(this.onDue, ${DELAY_MS});`,
};

describe('300 ms', () => {
  const proxies = new Map<Place, FaultProxy>();
  let collector: OtlpReceiver;
  let stack: Stack;
  let producer: PlainAmqp;
  let copies: Record<'usual' | 'slow', BuiltCopy>;
  let published = 0;

  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    copies = { usual: new BuiltCopy([RARE_CHECKS]), slow: new BuiltCopy([RARE_CHECKS, SLOW_WRITE]) };
    stack = await Stack.open({
      tenants: { ana: ['bakery'] },
      gateways: 0,
      processors: 0,
      gatewayEnvironment: collector.environment,
      processorEnvironment: collector.environment,
    });
    const { DATABASE_URL, RABBITMQ_URL, REDIS_URL } = stack.environment as Record<string, string>;
    const through = async (place: Place, url: string) => {
      const proxy = await FaultProxy.to(url);
      proxies.set(place, proxy);
      return proxy.via(url);
    };
    producer = await PlainAmqp.connect(await through('producer', RABBITMQ_URL!), stack.prefix);
    await stack.startProcessor({
      RABBITMQ_URL: await through('source', RABBITMQ_URL!),
      DATABASE_URL: await through('database', DATABASE_URL!),
      REDIS_URL: await through('publisher', REDIS_URL!),
    });
    const gateway = await stack.startGateway(
      { DATABASE_URL: await through('log', DATABASE_URL!), REDIS_URL: await through('subscriber', REDIS_URL!) },
      copies.usual.program('gateway'),
    );
    await through('client', gateway.url);
    // the first alerts take longer: code is compiled, statements are prepared
    await wayOfAlerts(3 * ALERTS.before, gateway);
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    for (const proxy of proxies.values()) await proxy.close();
    for (const copy of Object.values(copies ?? {})) copy.remove();
    await collector?.close();
  }, 60_000);

  /** The median of each part, over alerts that are shown by one client. `delay` is called before each of them. */
  async function wayOfAlerts(
    count: number,
    gateway: AppProcess,
    url = gateway.url,
    delay = (): void => undefined,
  ): Promise<Parts> {
    delay();
    const screen = await ReportingScreen.open(gateway, url, tokenFor('ana'));
    const ways: Parts[] = [];
    while (ways.length < count) {
      // pools open connections at any time
      delay();
      const id = `alert-${(published += 1)}`;
      const said = { tenant_id: 'bakery', service: 'oven', severity: 'urgent', title: id, id };
      await producer.publish('alert.urgent.oven', { ...said, occurred_at: new Date().toISOString() });
      ways.push(await screen.partsOf(id));
    }
    screen.close();
    return Object.fromEntries(PARTS.map((part) => [part, median(ways.map((way) => way[part]))])) as Parts;
  }

  function expectMoved(before: Parts, during: Parts, moved: Part | 'no part'): void {
    const by = Object.fromEntries(PARTS.map((part) => [part, Math.round(during[part] - before[part])]));
    process.stdout.write(`    moved by, in ms: ${JSON.stringify(by)}\n`);
    for (const part of PARTS.filter((one) => one !== 'total')) {
      const off = Math.abs(by[part]! - (part === moved ? DELAY_MS : 0));
      expect({ part, by: by[part], isOff: off > TOLERANCE_MS }).toEqual({ part, by: by[part], isOff: false });
    }
  }

  it.each(HOPS)(
    '$hop move $part of an alert by as much, and nothing else',
    async ({ place, ways, part }) => {
      const proxy = proxies.get(place)!;
      const { origin: url } = new URL(proxies.get('client')!.via(stack.gateway.url));
      const before = await wayOfAlerts(ALERTS.before, stack.gateway, url);
      const delay = () => {
        for (const connection of proxy.connections) for (const way of ways) connection.latency(DELAY_MS, way);
      };
      proxy.onConnection = place === 'client' ? delay : () => undefined;
      const during = await wayOfAlerts(ALERTS.during, stack.gateway, url, delay).finally(() => {
        proxy.onConnection = () => undefined;
        for (const connection of proxy.connections) connection.heal();
      });
      expectMoved(before, during, part);
    },
    60_000,
  );

  it('between the arrival in the gateway and the sockets move fan_out by as much, and nothing else', async () => {
    const before = await wayOfAlerts(ALERTS.before, stack.gateway);
    const gateway = await stack.startGateway({}, copies.slow.program('gateway'));
    await wayOfAlerts(ALERTS.during, gateway);
    expectMoved(before, await wayOfAlerts(ALERTS.during, gateway), 'fan_out');
  }, 60_000);
});

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
