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

/** Publishes them all side by side, and resolves to the ledger's records once the broker has them. */
export async function publishAll(amqp: PlainAmqp, messages: readonly Message[]): Promise<Published[]> {
  await Promise.all(messages.map((message) => amqp.publish(`alert.${message.severity}.${message.service}`, message)));
  return messages.map(({ tenant_id, service, id }) => ({ tenant_id, service, id, confirmed: true }));
}

/** A dead letter as it stands in the database. */
export interface Letter {
  reason: string;
  tenant_id: string | null;
  body: Buffer;
  buried_at: Date;
}

/** The dead letters on record, the oldest first. */
export const lettersOf = (stack: Stack): Promise<Letter[]> =>
  stack.sql<Letter>('select reason, tenant_id, body, buried_at from tocsin.dead_letter order by dead_letter_id');

/** How many entries the log has: the sum of the tenants' numbers, which costs next to nothing to ask. */
export async function entriesOf(stack: Stack): Promise<number> {
  const [row] = await stack.sql<{ entries: number }>(
    'select coalesce(sum(last_seq), 0)::int as entries from tocsin.tenant_stream',
  );
  return row!.entries;
}

/** Resolves once the log has at least so many entries. */
export const entriesReach = (stack: Stack, count: number, timeoutMs = 30_000): Promise<void> =>
  eventually(async () => {
    const entries = await entriesOf(stack);
    if (entries < count) throw new Error(`${entries} of ${count} are stored`);
  }, timeoutMs);

/** A processor that is meant to end by itself, maybe before it is ready. */
export function launchDoomed(stack: Stack, program: Program, environment: Environment = {}): AppProcess {
  const doomed = stack.processes.launch(
    'alert-processor',
    { ...stack.environment, ...environment },
    program.args,
    program.main,
  );
  // it is meant to: the test's end does not complain
  void doomed.exit.then(() => doomed.kill());
  return doomed;
}

/**
 * Starts a processor again whenever it has ended, as an orchestrator does. `stop` ends the last one and resolves to how
 * many ended by themselves.
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
