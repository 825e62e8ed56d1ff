import { createRequire } from 'node:module';
import type { DynamicModule, FactoryProvider, Provider } from '@nestjs/common';
import { AlertSource, DeliveryQueue, EventBus, EventLog } from '@tocsin/contracts/ports';
import { PostgresModule } from '@tocsin/postgres';
import { RabbitModule } from '@tocsin/rabbitmq';
import { RedisModule } from '@tocsin/redis';
import { sinkChannels } from '../sink-channels';
import {
  CrashingAlertSource,
  CrashingDeliveryQueue,
  CrashingEventBus,
  CrashingEventLog,
  Failpoints,
} from '../crashing-ports';

// Runs an app as its own main.js composes it, with failpoints around the ports that the adapters export:
//   node with-failpoints.js <the app's main.js> <failpoints> [<the address of a sink>]
// With a sink, a notifier has channels that send to it, with failpoints around them.
const [main, text = '', sink] = process.argv.slice(2);
const failpoints = Failpoints.parse(text);

wrap(PostgresModule, EventLog, (log: EventLog) => new CrashingEventLog(log, failpoints));
wrap(PostgresModule, DeliveryQueue, (queue: DeliveryQueue) => new CrashingDeliveryQueue(queue, failpoints));
wrap(RedisModule, EventBus, (bus: EventBus) => new CrashingEventBus(bus, failpoints));
wrap(RabbitModule, AlertSource, (source: AlertSource) => new CrashingAlertSource(source, failpoints));
if (sink) {
  const ofApp = createRequire(main!);
  const file = ofApp.resolve('./channels/channels.js');
  const channels = ofApp(file) as object;
  ofApp.cache[file]!.exports = { ...channels, channelsFrom: () => sinkChannels(sink, failpoints) };
}
void import(main!);

/** Replaces what the module exports for the port by the result of `around`. */
function wrap<O, T>(
  adapter: { forRoot(options: O): DynamicModule },
  port: abstract new () => T,
  around: (inner: T) => T,
): void {
  const forRoot = adapter.forRoot.bind(adapter);
  adapter.forRoot = (options) => {
    const composed = forRoot(options);
    const inner = Symbol(`${port.name} itself`);
    const providers = (composed.providers ?? []).map((provider) =>
      provides(provider, port) ? { ...provider, provide: inner } : provider,
    );
    if (!providers.some((provider) => provides(provider, inner)))
      throw new Error(`No provider of ${port.name} is left to wrap.`);
    const wrapper: FactoryProvider = { provide: port, useFactory: around, inject: [inner] };
    return { ...composed, providers: [...providers, wrapper] };
  };
}

function provides(
  provider: Provider,
  token: unknown,
): provider is Exclude<Provider, abstract new (...args: never[]) => unknown> & { provide: unknown } {
  return 'provide' in provider && provider.provide === token;
}
