import { isDeepStrictEqual } from 'node:util';
import { eventually } from '@tocsin/contracts/testing';
import { SEVERITIES, type Alert } from '@tocsin/contracts/wire';
import { SeededRandom } from '../kit/seeded-random';
import { Door, type System } from './door';
import type { Said } from './words';

/** The limit of one request. */
const MAX_BATCH = 500;
const PATIENCE_MS = 30_000;
const BEGIN = Date.UTC(2026, 0, 1);

type Last = Pick<
  Alert,
  'status' | 'severity' | 'type' | 'name' | 'title' | 'message' | 'labels' | 'actions' | 'metadata'
>;

/**
 * Sends the same few messages in every order, each order to an alert of its own. Resolves to the difference: alerts
 * that have not all reached the same state.
 */
export async function differenceOfOrders(system: System, tenant: string, seed: number): Promise<string | null> {
  const random = new SeededRandom(seed);
  const messages = messagesOf(random);
  const orders = permutations(messages.map((_, at) => at)).slice(0, Math.floor(MAX_BATCH / messages.length));
  const door = new Door(system, tenant);
  const said = orders.flatMap((order, number) =>
    order.map((at) => ({ said: { ...messages[at]!, id: `${number}-${at}`, dedup_key: `order ${number}` } })),
  );
  const { status, text } = await door.post(said);
  if (status !== 201) throw new Error(`${status} ${text}`);
  const alerts = await eventually(async () => {
    // the last folded repeat appears at the end of its window: then as many messages are reported as were sent
    const entries = await door.everyEntry();
    const told = entries.reduce((sum, { folded }) => sum + 1 + folded, 0);
    if (told !== said.length) throw new Error(`${told} of ${said.length} messages are told of`);
    return door.alerts();
  }, PATIENCE_MS);
  const ends = new Map(alerts.map((alert) => [alert.dedup_key, endOf(alert)]));
  const [first] = ends.values();
  const other = orders.findIndex((_, number) => !isDeepStrictEqual(ends.get(`order ${number}`), first));
  if (other < 0) return null;
  const inOrder = (number: number) => orders[number]!.map((at) => JSON.stringify(messages[at])).join('\n  ');
  return `ORDERS_SEED=${seed}: ${JSON.stringify(first)} after\n  ${inOrder(0)}\nand ${JSON.stringify(ends.get(`order ${other}`))} after\n  ${inOrder(other)}`;
}

/** Three to five messages. Some set every field and some only the status; sometimes two have the same time. */
function messagesOf(random: SeededRandom): Said[] {
  const clocks = Array.from({ length: random.of([3, 4, 4, 5]) }, (_, at) => at);
  if (random.between(1, 3) === 1) clocks[random.between(0, clocks.length - 1)] = random.of(clocks);
  return clocks.map((clock, at) => {
    const all = {
      type: random.of(['alert', 'recommendation'] as const),
      name: `name_${at}`,
      title: `Title ${at}`,
      message: `Message ${at}`,
      labels: { at: String(at), site: random.of(['north', 'south']) },
      actions: [{ label: `Open ${at}` }],
      metadata: { at },
    };
    const isBare = random.between(1, 3) === 1;
    return {
      id: '',
      service: 'inventory',
      severity: random.of([...SEVERITIES, 'high', 'high'] as const),
      status: random.of(['firing', 'firing', 'resolved'] as const),
      occurred_at: new Date(BEGIN + clock * 1_000).toISOString(),
      ...(!isBare && Object.fromEntries(Object.entries(all).filter(() => random.between(1, 2) === 1))),
      // there is no promise about the title of an alert that no message has named
      ...(at === 0 && { title: 'Title 0' }),
    };
  });
}

const endOf = ({ status, severity, type, name, title, message, labels, actions, metadata }: Alert): Last => ({
  status,
  severity,
  type,
  name,
  title,
  message,
  labels,
  actions,
  metadata,
});

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
