import { AlertMessage, parseMessages, publishedForm, routingKeyOf } from '@tocsin/messages';
import type { PlannedEvent } from '@tocsin/contracts';
import { aTenant } from '@tocsin/contracts/testing';
import { PostgresEventLog } from '@tocsin/postgres';
import { freshDatabase } from '@tocsin/postgres/testing';
import fc from 'fast-check';
import { oddRequests, taken } from './testing/odd-bodies';

const REQUESTS = 600;
const tenant_id = aTenant();

/**
 * A message that the intake would publish, as the processor reads it from the queue, with a delivery for each named
 * recipient. Its id and key are made unique here: messages that share one are tested elsewhere.
 */
function plannedOf(given: AlertMessage, index: number): PlannedEvent {
  const [read] = parseMessages(publishedForm(given), {
    routing_key: routingKeyOf(given),
    message_id: given.id,
    timestamp: 1_767_323_045,
    headers: {},
  }).messages;
  if (!read?.ok) throw new Error(`${JSON.stringify(read)}\n${publishedForm(given).toString()}`);
  const { message, body_hash } = read;
  const own = {
    tenant_id,
    id: `id-${index}`,
    ...(message.dedup_key && { dedup_key: Array.from(`${index}${message.dedup_key}`).slice(0, 200).join('') }),
  };
  const deliveries = (message.recipients ?? []).map((recipient) => ({ channel: 'webhook' as const, recipient }));
  return { message: Object.assign(new AlertMessage(), message, own), body_hash, trace_id: null, deliveries };
}

/** The fields of a message that its entry keeps. */
const said = ({
  title,
  message = null,
  name = null,
  labels,
  actions,
  metadata,
  occurred_at = null,
  dedup_key = null,
}: Record<string, unknown>): unknown =>
  JSON.parse(JSON.stringify({ title, message, name, labels, actions, metadata, occurred_at, dedup_key }));

it('PostgreSQL stores every message that the intake accepts, and returns it unchanged', async () => {
  const fresh = await freshDatabase();
  const [processor, gateway] = (['tocsin_processor', 'tocsin_gateway'] as const).map((role) => fresh.open(role));
  try {
    const log = new PostgresEventLog(processor!);
    const planned = (await Promise.all(fc.sample(oddRequests, REQUESTS).map(taken))).flat().map(plannedOf);
    expect(planned.length).toBeGreaterThan(REQUESTS / 4);
    for (let from = 0; from < planned.length; from += 50) {
      const batch = planned.slice(from, from + 50);
      const results = await log.append(batch).catch(async (error: unknown) => {
        // One refused message fails its whole batch.
        for (const event of batch)
          await log
            .append([event])
            .catch((cause: unknown) => Promise.reject(new Error(publishedForm(event.message).toString(), { cause })));
        throw error;
      });
      expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['stored']));
    }
    const reader = new PostgresEventLog(gateway!);
    const entries: object[] = [];
    for (
      let page = await reader.after(tenant_id, 0, 500);
      page.length > 0;
      page = await reader.after(tenant_id, entries.length, 500)
    )
      entries.push(...page.map(({ entry }) => entry));
    expect(entries.map((entry) => said({ ...entry }))).toEqual(planned.map(({ message }) => said({ ...message })));
  } finally {
    await Promise.all([processor!.close(), gateway!.close()]);
    await fresh.drop();
  }
});
