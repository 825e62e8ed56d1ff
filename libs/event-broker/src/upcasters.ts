import type { BrokerEvent } from './event';

/**
 * For each type, functions that bring a payload from the version that is the key to the next one:
 * `{ 'public.users.create': { 1: ({ name }) => ({ first: name, last: '' }) } }` makes version 2 of version 1.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each function knows the shape of its own version
export type Upcasters = Readonly<Record<string, Readonly<Record<number, (payload: any) => unknown>>>>;

/** The event in its newest version. What is stored is not changed. An upcaster that throws fails the attempt. */
export function upcast(event: BrokerEvent, upcasters: Upcasters): BrokerEvent {
  const steps = Object.hasOwn(upcasters, event.type) ? upcasters[event.type] : undefined;
  let { payload, schema_version } = event;
  while (steps?.[schema_version]) {
    payload = steps[schema_version]!(payload);
    schema_version += 1;
  }
  return schema_version === event.schema_version ? event : { ...event, payload, schema_version };
}
