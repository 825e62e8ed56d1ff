import type { ActReach, ActResult, AlertActs, AttemptedAct, EventLog } from '../../ports';
import type { TenantId } from '../../tenant';
import type { ValidMessage } from '../../valid-message';
import type { Act, Entry } from '../../wire';
import { aPlannedEvent, aTenant } from '../an-alert';

export interface OpenAlertActs {
  /** The gateway's acts. */
  acts: AlertActs;
  /** The processor's acts, which end snoozes; the same object where one process does both. */
  waking: AlertActs;
  /** The processor's event log, with the default folding. */
  log: EventLog;
  reader: EventLog;
  close(): Promise<void>;
}

/** An act with only the fields that it needs, until an hour from now where it needs a time. */
export const anAct = (act: Act, by = 'ana', more: Partial<AttemptedAct> = {}): AttemptedAct => ({
  act,
  by,
  until: act === 'snooze' ? new Date(Date.now() + 3_600_000).toISOString() : null,
  assignee: null,
  note: act === 'note' ? `by ${by}` : null,
  trace_id: null,
  ...more,
});

/** Alerts, what their producers say of them, and what people do with them. */
export function actedAlerts(opened: () => OpenAlertActs) {
  let minute: number;
  beforeEach(() => (minute = 0));

  const within = (...tenants: TenantId[]): ActReach => ({ tenants, acting: tenants });
  const entriesOf = async (tenant_id: TenantId): Promise<Entry[]> =>
    (await opened().reader.after(tenant_id, 0, 1_000)).map(({ entry }) => entry);
  /** A message of the alert's producer, each time a minute later. */
  const say = async (tenant_id: TenantId, overrides: Partial<ValidMessage> = {}) => {
    minute += 1;
    const occurred_at = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
    const [result] = await opened().log.append([
      // an act continues neither the trace nor the span of the message
      aPlannedEvent(
        { tenant_id, dedup_key: 'k', occurred_at, ...overrides },
        { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) },
      ),
    ]);
    return result!.outcome === 'stored' ? result!.event : undefined;
  };
  const raise = async (tenant_id: TenantId = aTenant(), overrides: Partial<ValidMessage> = {}) => ({
    tenant_id,
    alert_id: (await say(tenant_id, overrides))!.entry.alert_id,
  });
  const act = async (
    { tenant_id, alert_id }: { tenant_id: TenantId; alert_id: string },
    attempted: AttemptedAct,
  ): Promise<ActResult> => (await opened().acts.act(within(tenant_id), [alert_id], attempted))[0]!;
  return { within, entriesOf, say, raise, act };
}

export function actedIn(result: ActResult): Extract<ActResult, { outcome: 'acted' }> {
  if (result.outcome !== 'acted') throw new Error(`expected an act, not ${JSON.stringify(result)}`);
  return result;
}

export function shuffled<T>(items: T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
