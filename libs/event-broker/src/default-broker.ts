import { BrokerError } from './broker-error';
import type { EventBrokerOptions } from './broker-options';
import { EventBroker } from './event-broker';

// The default broker is for code to which no broker can be passed. All other code takes an `EventBroker`.

let broker: EventBroker | undefined;

/**
 * Makes the default broker and starts it. `subscribe` is called before the start, so that its handlers get what this
 * instance left unfinished.
 */
export async function initialize(
  options?: EventBrokerOptions,
  subscribe?: (broker: EventBroker) => void,
): Promise<EventBroker> {
  const made = new EventBroker(options);
  subscribe?.(made);
  await made.start();
  setDefaultBroker(made);
  return made;
}

export const isInitialized = (): boolean => broker !== undefined;

export function setDefaultBroker(made: EventBroker | undefined): void {
  broker = made;
}

/** Throws `invalid_configuration` before `initialize` or `setDefaultBroker`. */
export function getDefaultBroker(): EventBroker {
  if (!broker) throw new BrokerError('invalid_configuration', 'The default broker is not initialized.');
  return broker;
}

/** Stops the broker on the first of these signals. Then the process ends by it, as it would without a broker. */
export function registerShutdown(
  registered: EventBroker,
  signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'],
  timeoutMs?: number,
): void {
  for (const signal of signals)
    process.once(signal, () => void registered.stop(timeoutMs).finally(() => process.kill(process.pid, signal)));
}
