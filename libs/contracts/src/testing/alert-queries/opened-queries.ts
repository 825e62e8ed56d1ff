import type { AlertListQuery, AlertQueries, AlertSelection, EventLog } from '../../ports';
import type { TenantId } from '../../tenant';
import { aPlannedEvent } from '../an-alert';

export interface OpenAlertQueries {
  queries: AlertQueries;
  /** The event log that stores alerts. */
  log: Pick<EventLog, 'append'>;
  /** Assigns an alert, as a person's act would. */
  assign(tenant: TenantId, alertId: string, user: string): Promise<void>;
  close(): Promise<void>;
}

/** A selection without a condition. */
export const ANY: AlertSelection = {
  status: null,
  severity: null,
  service: null,
  notService: [],
  type: null,
  name: null,
  assignee: null,
  labels: {},
  from: null,
  to: null,
  words: [],
};
/** The first page of all. */
export const FIRST: AlertListQuery = { ...ANY, order: 'newest', limit: 200, after: null };
/** A time of 2026-01-01, so many minutes after midnight. */
export const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
export const HOUR_AGO = new Date(Date.now() - 3_600_000);
/** What is asked of figures: two buckets of an hour, the second of which is not over. */
export const HOUR = { selection: ANY, from: HOUR_AGO, buckets: 2, bucketSeconds: 3_600 };

/** Stores alerts and lists them. Those that are stored by different calls have different times. */
export function storedAlerts(opened: () => OpenAlertQueries) {
  const store = async (...planned: Parameters<typeof aPlannedEvent>[0][]) => {
    const results = await opened().log.append(planned.map((message) => aPlannedEvent(message)));
    await laterMillisecond();
    return results;
  };
  const list = async (tenants: TenantId[], query: Partial<AlertListQuery> = {}) =>
    (await opened().queries.list(tenants, { ...FIRST, ...query })).alerts;
  const titles = async (tenants: TenantId[], query: Partial<AlertListQuery> = {}) =>
    (await list(tenants, query)).map(({ title }) => title);
  return { store, list, titles };
}

/** Resolves when the time in milliseconds, rounded up or down, is later than it was. */
async function laterMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() < now + 2) await new Promise((resolve) => setImmediate(resolve));
}
