import type { SubscribeOptions } from './subscriptions';

/** A method that hears events: its pattern and how it subscribes. */
export interface OnEventMetadata extends SubscribeOptions {
  pattern: string;
}

export const ON_EVENT = Symbol.for('@tocsin/event-broker:on-event');

/**
 * Calls the method of a Nest provider or controller for each event that matches; may be repeated. The provider must be
 * of the default scope: one of the request scope has no instance to call.
 */
export function OnEvent(pattern: string, options: SubscribeOptions = {}): MethodDecorator {
  return (_target, _name, descriptor) => {
    const method = descriptor.value as object;
    const before = (Reflect.get(method, ON_EVENT) as OnEventMetadata[] | undefined) ?? [];
    Reflect.set(method, ON_EVENT, [...before, { pattern, ...options }]);
  };
}
