import { eventually } from '@tocsin/contracts/testing';
import type { Published } from '../kit/ledger';
import type { PlainAmqp } from '../kit/plain-amqp';
import type { AppProcess, Environment, Program } from '../kit/processes';
import type { Stack } from '../kit/stack';

/** A message as a foreign service writes it. */
export interface Message {
  tenant_id: string;
  service: string;
  severity: string;
  id: string;
  name: string;
  [field: string]: unknown;
}

export const aMessage = (id: string, more: Partial<Message> = {}): Message => ({
  tenant_id: 'bakery',
  service: 'inventory',
  severity: 'low',
  name: 'low_stock',
  id,
  ...more,
});

/** Publishes all messages at once, and resolves to the ledger's records after the broker has confirmed them. */
export async function publishAll(amqp: PlainAmqp, messages: readonly Message[]): Promise<Published[]> {
  await Promise.all(messages.map((message) => amqp.publish(`alert.${message.severity}.${message.service}`, message)));
  return messages.map(({ tenant_id, service, id }) => ({ tenant_id, service, id, confirmed: true }));
}

/** A dead letter as it is in the database. */
export interface Letter {
  reason: string;
  tenant_id: string | null;
  body: Buffer;
  buried_at: Date;
}

/** The recorded dead letters, the oldest first. */
export const lettersOf = (stack: Stack): Promise<Letter[]> =>
  stack.sql<Letter>('select reason, tenant_id, body, buried_at from tocsin.dead_letter order by dead_letter_id');

/** How many entries the event log has: the sum of the tenants' numbers, which costs nearly nothing to query. */
export async function entriesOf(stack: Stack): Promise<number> {
  const [row] = await stack.sql<{ entries: number }>(
    'select coalesce(sum(last_seq), 0)::int as entries from tocsin.tenant_stream',
  );
  return row!.entries;
}

/** Resolves once the event log has at least `count` entries. */
export const entriesReach = (stack: Stack, count: number, timeoutMs = 30_000): Promise<void> =>
  eventually(async () => {
    const entries = await entriesOf(stack);
    if (entries < count) throw new Error(`${entries} of ${count} are stored`);
  }, timeoutMs);

/** A processor that is expected to end by itself, possibly before it is ready. */
export function launchDoomed(stack: Stack, program: Program, environment: Environment = {}): AppProcess {
  const doomed = stack.processes.launch(
    'alert-processor',
    { ...stack.environment, ...environment },
    program.args,
    program.main,
  );
  // the end of this process is intended, so the end of the test does not report it
  void doomed.exit.then(() => doomed.kill());
  return doomed;
}

/**
 * Starts a processor again whenever it has ended, as an orchestrator does. `stop` ends the last one and resolves to the
 * number of those that ended by themselves.
 */
export function keepRunning(
  stack: Stack,
  program: Program,
  environment: Environment = {},
): { stop(): Promise<number> } {
  let stopping = false;
  let ended = 0;
  let current = launchDoomed(stack, program, environment);
  const running = (async () => {
    for (;;) {
      await current.exit;
      if (stopping) return;
      ended += 1;
      current = launchDoomed(stack, program, environment);
    }
  })();
  return {
    async stop() {
      stopping = true;
      await current.stop();
      await running;
      return ended;
    },
  };
}
