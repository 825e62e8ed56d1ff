import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type InjectionToken,
  type ModuleMetadata,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import type { EventBrokerOptions } from './broker-options';
import { EventBroker } from './event-broker';
import { ON_EVENT, type OnEventMetadata } from './on-event';
import type { EventHandler } from './subscriptions';

export interface EventBrokerModuleOptions extends EventBrokerOptions {
  /** How long the shutdown waits for handlers, in milliseconds. Default 30,000. */
  stopTimeoutMs?: number;
}

export interface EventBrokerModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  inject?: InjectionToken[];
  /** The options, or a broker that is not started, for example of `brokerFromYaml`. */
  useFactory: (
    ...injected: never[]
  ) => EventBrokerModuleOptions | EventBroker | Promise<EventBrokerModuleOptions | EventBroker>;
}

const OPTIONS = Symbol('EventBrokerModuleOptions');

/** Subscribes the methods with `@OnEvent` before the broker starts, and stops it when the application shuts down. */
class BrokerLife implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly broker: EventBroker,
    private readonly discovery: DiscoveryService,
    private readonly stopTimeoutMs: number | undefined,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const found = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    // once each: an alias (`useExisting`), or a factory that returns what is injected, provides the same instance again
    for (const instance of new Set<unknown>(found.map((wrapper) => wrapper.instance)))
      if (typeof instance === 'object' && instance !== null) this.subscribe(instance);
    await this.broker.start();
  }

  /** Before Nest closes connections: handlers that are under way may still need them. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.broker.stop(this.stopTimeoutMs);
  }

  private subscribe(instance: object): void {
    const seen = new Set<string>(['constructor']);
    for (let type: unknown = Object.getPrototypeOf(instance); type && type !== Object.prototype;) {
      for (const name of Object.getOwnPropertyNames(type)) {
        // a getter is not called, and a method that a subclass replaced is not heard
        const method: unknown = Object.getOwnPropertyDescriptor(type, name)?.value;
        if (seen.has(name) || typeof method !== 'function') continue;
        seen.add(name);
        const called = `${instance.constructor.name}.${name}`;
        for (const { pattern, ...options } of (Reflect.get(method, ON_EVENT) as OnEventMetadata[] | undefined) ?? [])
          this.broker.subscribe(pattern, method.bind(instance) as EventHandler, { name: called, ...options });
      }
      type = Object.getPrototypeOf(type);
    }
  }
}

/**
 * `imports: [EventBrokerModule.forRoot({ … })]` provides `EventBroker` to the whole application, and calls the methods
 * with `@OnEvent`. Enable Nest's shutdown hooks, so that the broker is stopped.
 */
@Module({})
export class EventBrokerModule {
  static forRoot(options: EventBrokerModuleOptions = {}): DynamicModule {
    return EventBrokerModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync({ imports = [], inject = [], useFactory }: EventBrokerModuleAsyncOptions): DynamicModule {
    return {
      module: EventBrokerModule,
      global: true,
      imports: [DiscoveryModule, ...imports],
      providers: [
        { provide: OPTIONS, useFactory, inject },
        {
          provide: EventBroker,
          useFactory: (given: EventBrokerModuleOptions | EventBroker) =>
            given instanceof EventBroker ? given : new EventBroker(given),
          inject: [OPTIONS],
        },
        {
          provide: BrokerLife,
          useFactory: (
            broker: EventBroker,
            discovery: DiscoveryService,
            given: EventBrokerModuleOptions | EventBroker,
          ) => new BrokerLife(broker, discovery, given instanceof EventBroker ? undefined : given.stopTimeoutMs),
          inject: [EventBroker, DiscoveryService, OPTIONS],
        },
      ],
      exports: [EventBroker],
    };
  }
}
