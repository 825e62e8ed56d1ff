import { ACT_RULES, alertOf, type Alert } from '@tocsin/contracts';
import type { ActReach, ActResult, AlertActs, AppendedEvent, AttemptedAct } from '@tocsin/contracts/ports';
import type { Database } from './database';
import { appendedEventOf, drawFingerprints, type AppendedRow } from './event-log.postgres';

/** The most snoozes that one call of `wakeSnoozed` ends. */
const WOKEN_AT_ONCE = 500;

type PreviousColumn = 'previous_status' | 'previous_severity' | 'previous_type' | 'previous_name' | 'previous_labels';

/**
 * An alert after the act and, where the act became an entry, the fields of the entry that the alert does not have.
 * Fields that both have are equal, except for `actor`: the actor of the alert is the user who gave it its status.
 */
type ActedRow = Alert &
  Pick<
    AppendedRow,
    'epoch' | 'seq' | 'fp' | 'prev_fp' | 'event_id' | 'change' | 'folded' | 'received_at' | 'note' | PreviousColumn
  > & {
    tenant_id: AppendedEvent['tenant_id'];
    outcome: Exclude<ActResult['outcome'], 'not_found'>;
  };

/** Acts as database functions: each method is one call, and so one round trip and one commit. */
export class PostgresAlertActs implements AlertActs {
  constructor(private readonly database: Database) {}

  async act(reach: ActReach, alertIds: readonly string[], attempted: AttemptedAct): Promise<ActResult[]> {
    if (alertIds.length === 0 || reach.tenants.length === 0) return alertIds.map(() => ({ outcome: 'not_found' }));
    const { act, by, until, assignee, from_assignee, note, trace_id } = attempted;
    const { from, to, change } = ACT_RULES[act];
    const rows = await this.database.call<ActedRow>(
      'select * from tocsin.act_on_alerts($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)',
      [
        reach.tenants,
        reach.acting,
        alertIds,
        act,
        by,
        until,
        assignee,
        from_assignee ?? null,
        from_assignee === undefined,
        note,
        from,
        to,
        change,
        drawFingerprints(alertIds.length),
        trace_id,
      ],
    );
    const results = new Map(rows.map((row) => [row.alert_id, resultOf(row, attempted)]));
    return alertIds.map((id) => results.get(id.toLowerCase()) ?? { outcome: 'not_found' });
  }

  async wakeSnoozed(plans = true): Promise<AppendedEvent[]> {
    const rows = await this.database.call<AppendedRow>('select * from tocsin.wake_snoozed($1, $2)', [
      drawFingerprints(WOKEN_AT_ONCE),
      plans,
    ]);
    return rows.map(appendedEventOf);
  }
}

function resultOf(row: ActedRow, { by, trace_id }: AttemptedAct): ActResult {
  const { outcome } = row;
  if (outcome === 'forbidden') return { outcome };
  if (outcome !== 'acted') return { outcome, alert: alertOf(row, row) };
  return {
    outcome,
    alert: alertOf(row, row),
    event: appendedEventOf({ ...row, occurred_at: null, actor: by, trace_id }),
  };
}
