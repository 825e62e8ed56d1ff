import { newEvent, type BrokerEvent, type EventDraft } from '../event';

/** An event of a user that was created; `overrides` says what is different. */
export const anEvent = (overrides: Partial<EventDraft> = {}): BrokerEvent =>
  newEvent({
    type: 'public.users.create',
    source: 'database',
    payload: { id: 7, name: 'Ada' },
    user_id: 123,
    session_id: 'session-456',
    instance_id: 'instance-1',
    metadata: { reason: 'signup' },
    ...overrides,
  });

/** A handler that stays busy until `release` is called. */
export function gate() {
  const entered: BrokerEvent[] = [];
  let release = () => {};
  const opened = new Promise<void>((resolve) => (release = resolve));
  return { entered, release: () => release(), handler: (event: BrokerEvent) => (entered.push(event), opened) };
}

/**
 * Resolves with `read()` once it is not `undefined`, or throws after `timeoutMs`. The default is long: a transaction of
 * another test on the same server delays what a stream of the database shows.
 */
export async function eventually<Value>(
  read: () => Promise<Value | undefined> | Value | undefined,
  timeoutMs = 25_000,
): Promise<Value> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    if (performance.now() > until) throw new Error(`It did not happen within ${timeoutMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
