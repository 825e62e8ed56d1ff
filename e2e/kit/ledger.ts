import type { SseEvent } from './sse-parser';

/** One published message, and the result that its publisher got. */
export interface Published {
  tenant_id: string;
  service: string;
  id: string;
  /** The broker confirmed the message, or the HTTP intake responded with 202. */
  confirmed: boolean;
}

/** One entry of the event log, read by SQL. */
export interface StoredRow {
  tenant_id: string;
  seq: number;
  epoch: string;
  fp: string;
  service: string;
  event_id: string;
  /** The entry is an act of a person, or the end of a snooze: it comes from no message. */
  is_act?: boolean;
}

/** What one client received over all of its connections. */
export interface Transcript {
  client: string;
  /** The tenants that the client may see. */
  tenants: readonly string[];
  frames: readonly SseEvent[];
  /** Whether the client was connected after everything had settled. */
  connectedAtTheEnd: boolean;
}

export interface Ledger {
  published: readonly Published[];
  rows: readonly StoredRow[];
  transcripts: readonly Transcript[];
  /** Everything that any process wrote. */
  logs: readonly string[];
  /** The secrets that must not appear in the logs. */
  secrets: readonly string[];
}

export type ViolationName =
  | 'confirmed_not_stored' // I1: a confirmed message is stored …
  | 'stored_twice' // I1: … once
  | 'stored_not_published' // I1: and nothing else is
  | 'log_has_hole' // I2: a tenant's numbers are 1, 2, 3 …
  | 'number_used_twice' // I2
  | 'client_missed' // I3: a client sees a contiguous run …
  | 'client_saw_twice' // I3: … each entry once …
  | 'client_saw_foreign' // I3: … of its own tenants …
  | 'client_saw_unknown' // I3: … as the log has it
  | 'id_before_entry' // I3: an id names nothing that was not written before it
  | 'client_not_at_head' // I4: at rest, every client is at the top
  | 'secret_in_log'; // I6

export interface Violation {
  invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I6';
  name: ViolationName;
  detail: string;
}

const ENTRY_EVENTS = ['inventory_alert', 'notification', 'alert_update'];

/** The violated promises of a run, checked from outside the product. An empty list means a good run. */
export function violationsOf({ published, rows, transcripts, logs, secrets }: Ledger): Violation[] {
  return [
    ...storedOnce(published, rows),
    ...numbered(rows),
    ...transcripts.flatMap((one) => seen(one, rows)),
    ...silent(logs, secrets),
  ];
}

const keyOf = ({ tenant_id, service, id }: { tenant_id: string; service: string; id: string }): string =>
  `${tenant_id} ${service} ${id}`;
const groupBy = <T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
};

function storedOnce(published: readonly Published[], rows: readonly StoredRow[]): Violation[] {
  const stored = groupBy(
    rows.filter(({ is_act }) => !is_act),
    ({ event_id, ...row }) => keyOf({ ...row, id: event_id }),
  );
  const known = new Set(published.map(keyOf));
  const confirmed = new Set(published.filter((one) => one.confirmed).map(keyOf));
  const found: Violation[] = [];
  for (const key of confirmed)
    if (!stored.has(key)) found.push({ invariant: 'I1', name: 'confirmed_not_stored', detail: key });
  for (const [key, copies] of stored) {
    if (copies.length > 1)
      found.push({
        invariant: 'I1',
        name: 'stored_twice',
        detail: `${key}: ${copies.map(({ seq }) => seq).join(', ')}`,
      });
    if (!known.has(key)) found.push({ invariant: 'I1', name: 'stored_not_published', detail: key });
  }
  return found;
}

function numbered(rows: readonly StoredRow[]): Violation[] {
  const found: Violation[] = [];
  for (const [tenant, own] of groupBy(rows, ({ tenant_id }) => tenant_id)) {
    const numbers = own.map(({ seq }) => seq).sort((a, b) => a - b);
    numbers.forEach((seq, i) => {
      const before = numbers[i - 1] ?? 0;
      if (seq === before) found.push({ invariant: 'I2', name: 'number_used_twice', detail: `${tenant} ${seq}` });
      else if (seq !== before + 1)
        found.push({ invariant: 'I2', name: 'log_has_hole', detail: `${tenant}: ${seq} follows ${before}` });
    });
  }
  return found;
}

interface Component {
  tenant: string;
  epoch: string;
  seq: number;
  fp: string;
}

/**
 * Parses a cursor by its documented format: `<epoch>-<seq>-<fp>`, or several of them as `<tenant>=…`, joined by `;`.
 */
export function readCursor(cursor: string, onlyTenant: string): Component[] {
  return cursor.split(';').map((component) => {
    const at = component.indexOf('=');
    const [epoch = '', seq = '', fp = ''] = component.slice(at + 1).split('-');
    return { tenant: at < 0 ? onlyTenant : component.slice(0, at), epoch, seq: Number(seq), fp };
  });
}

/**
 * Compares one client's transcript with the event log: every entry from its first position on, once, in order, and with
 * true ids.
 */
function seen({ client, tenants, frames, connectedAtTheEnd }: Transcript, rows: readonly StoredRow[]): Violation[] {
  const found: Violation[] = [];
  const report = (name: ViolationName, detail: string) =>
    found.push({ invariant: name === 'client_not_at_head' ? 'I4' : 'I3', name, detail: `${client}: ${detail}` });
  const logs = groupBy(rows, ({ tenant_id }) => tenant_id);
  for (const log of logs.values()) log.sort((a, b) => a.seq - b.seq);
  /** The last number that the client received, by tenant. */
  const position = new Map<string, number>();

  for (const frame of frames) {
    if (ENTRY_EVENTS.includes(frame.event)) {
      const { tenant_id, seq, event_id } = JSON.parse(frame.data) as {
        tenant_id: string;
        seq: number;
        event_id: string;
      };
      const row = logs.get(tenant_id)?.[seq - 1];
      const before = position.get(tenant_id);
      if (!tenants.includes(tenant_id)) report('client_saw_foreign', `${tenant_id} ${seq}`);
      else if (row?.seq !== seq || row.event_id !== event_id)
        report('client_saw_unknown', `${tenant_id} ${seq} ${event_id}`);
      else if (before !== undefined && seq <= before) report('client_saw_twice', `${tenant_id} ${seq} after ${before}`);
      else if (before !== undefined && seq > before + 1)
        report('client_missed', `${tenant_id} ${before + 1} to ${seq - 1}`);
      position.set(tenant_id, Math.max(seq, before ?? 0));
    }
    if (frame.id === undefined) continue;
    for (const { tenant, epoch, seq, fp } of readCursor(frame.id, tenants[0]!)) {
      const row = logs.get(tenant)?.[seq - 1];
      if (seq > 0 && row && (row.fp !== fp || row.epoch !== epoch))
        report('client_saw_unknown', `the position ${epoch}-${seq}-${fp} of ${tenant}`);
      // The client begins at its first position of a tenant: it is not entitled to any entry before it.
      if (!position.has(tenant)) position.set(tenant, seq);
      else if (seq > position.get(tenant)!) {
        report('id_before_entry', `${tenant} ${seq} at a ${frame.event}, written up to ${position.get(tenant)}`);
        position.set(tenant, seq);
      }
    }
  }
  if (connectedAtTheEnd) {
    for (const tenant of tenants) {
      const head = logs.get(tenant)?.length ?? 0;
      if ((position.get(tenant) ?? 0) < head)
        report('client_not_at_head', `${tenant} ${position.get(tenant) ?? 0} of ${head}`);
    }
  }
  return found;
}

function silent(logs: readonly string[], secrets: readonly string[]): Violation[] {
  return secrets
    .filter((secret) => logs.some((log) => log.includes(secret)))
    .map((secret) => ({ invariant: 'I6', name: 'secret_in_log', detail: `${secret.slice(0, 12)}…` }));
}
