import type { AlertStatus, Change, Severity } from '@tocsin/contracts/wire';
import { judgeAct, type Doing, type Judged, type LastAct } from './acts';
import { FoldWindow, type During } from './fold-window';
import { clockOf, isSeverer, NEVER, Words, type Description, type Said } from './words';

/** An alert as the documentation says that it must be now. */
export class ModelAlert {
  status!: AlertStatus;
  severity!: SeverityWord;
  occurrences = 0;
  assignee: string | null = null;
  /** Whether the newest acknowledgement assigned it, and no assignment came after. */
  isAssignedByAcknowledging = false;
  snoozedUntil: string | null = null;
  /** The person who set the status; null when a person did not. */
  actor: string | null = null;
  /** The newest clock of its producer, and whether the producer's last message says that the alert is over. */
  stateAt: number | null = null;
  isSaidToBeOver = false;
  /** Recorded repeats that no entry has reported, and the newest of them. */
  folded = 0;
  newestFolded: Said | null = null;
  lastSeq = 0;
  /** Set once the event log has shown it. */
  alertId = '';
  readonly words = new Words();
  /** What its newest entry contains of the filtered fields: the next entry reports the ones that changed. */
  shown: Pick<Description, 'type' | 'name' | 'labels'> | null = null;
  readonly window = new FoldWindow();
  readonly lastActs: LastAct[] = [];

  constructor(
    readonly service: string,
    readonly dedupKey: string | null,
  ) {}

  get isOpen(): boolean {
    return this.status !== 'resolved';
  }
}

/** The effect of a message. `same` is a snapshot of the present state. */
export type Becomes = Change | 'same';

/** The state rules of an alert: the change that a message makes, decided by the message and the alert alone. */
export function whatBecomesOf(said: Said, alert: ModelAlert | undefined): Becomes {
  const isFiring = said.status !== 'resolved';
  if (!alert) return isFiring ? 'raised' : 'resolved';
  if (said.snapshot && isFiring === alert.isOpen && (!isFiring || said.severity === alert.severity.value))
    return 'same';
  if (!said.snapshot && isOlder(said, alert)) return 'stale';
  if (!isFiring) return 'resolved';
  if (!alert.isOpen) return 'reopened';
  const [before, after] = [alert.severity.value, severityAfter(said, alert).value];
  return before === after ? 'repeated' : isSeverer(after, before) ? 'severity_raised' : 'severity_lowered';
}

/** Two clocks are compared if both are set. At the same instant `resolved` wins. */
function isOlder(said: Said, alert: ModelAlert): boolean {
  const clock = clockOf(said);
  if (clock === null || alert.stateAt === null || clock > alert.stateAt) return false;
  return clock < alert.stateAt || (said.status !== 'resolved' && !alert.isOpen && alert.isSaidToBeOver);
}

/** The last severity and its time. The severity of a `resolved` applies only until a message fires. */
interface SeverityWord {
  value: Severity;
  at: number;
  isOfFiring: boolean;
}

function severityAfter(said: Said, { severity: before, stateAt }: ModelAlert): SeverityWord {
  const clock = said.snapshot ? null : clockOf(said);
  const after: SeverityWord = {
    value: said.severity,
    at: clock ?? stateAt ?? NEVER,
    isOfFiring: said.status !== 'resolved',
  };
  if (after.isOfFiring !== before.isOfFiring) return after.isOfFiring ? after : before;
  if (clock === null || after.at > before.at) return after;
  return after.at === before.at && isSeverer(after.value, before.value) ? after : before;
}

/** A message that is stored: the same id again is the same message, or a conflict. */
interface Known {
  body: string;
  alert: ModelAlert;
  /** The number of its entry; null when it has none. */
  seq: number | null;
}

export type Heard =
  | { outcome: 'conflict' }
  | { outcome: 'duplicate'; known: Known }
  | {
      outcome: 'new';
      becomes: Change;
      alert: ModelAlert;
      before: ModelAlert['status'] | null;
      severityBefore: Severity | null;
    };

/** One tenant's alerts, programmed from the documentation alone. */
export class TenantModel {
  readonly alerts = new Map<string, ModelAlert>();
  private readonly known = new Map<string, Known>();
  readonly conflicts: string[] = [];

  /** The name of an alert in a history: its key, or its only message. */
  static nameOf = ({ service, dedup_key, id }: Said): string =>
    dedup_key === undefined ? `${service}#${id}` : `${service}/${dedup_key}`;

  /** Applies a message, in the order of storing. */
  hear(said: Said): Heard {
    const key = `${said.service} ${said.id}`;
    const known = this.known.get(key);
    if (known) {
      if (known.body === canonical(said)) return { outcome: 'duplicate', known };
      this.conflicts.push(key);
      return { outcome: 'conflict' };
    }
    const name = TenantModel.nameOf(said);
    const present = this.alerts.get(name);
    const becomes = whatBecomesOf(said, present);
    const alert = present ?? new ModelAlert(said.service, said.dedup_key ?? null);
    this.alerts.set(name, alert);
    const added: Known = { body: canonical(said), alert, seq: becomes === 'same' ? alert.lastSeq : null };
    this.known.set(key, added);
    if (becomes === 'same') return { outcome: 'duplicate', known: added };
    const [before, severityBefore] = present ? [alert.status, alert.severity.value] : [null, null];
    apply(said, becomes, alert);
    return { outcome: 'new', becomes, alert, before, severityBefore };
  }

  /** The event log has given this message a number. */
  numbered(said: Pick<Said, 'service' | 'id'>, seq: number): void {
    this.known.get(`${said.service} ${said.id}`)!.seq = seq;
  }

  knows = (said: Said): Known => this.known.get(`${said.service} ${said.id}`)!;

  /** Judges a person's act by the present alert. Its change is applied when the event log shows it: see `acted`. */
  judge = (alert: ModelAlert, doing: Doing, during: During): Judged => judgeAct(alert, doing, during);
}

function apply(said: Said, becomes: Change, alert: ModelAlert): void {
  const clock = said.snapshot ? null : clockOf(said);
  const at = clock ?? alert.stateAt ?? NEVER;
  alert.words.hear(said, at, clock === null);
  const isFirst = alert.occurrences === 0;
  alert.severity = isFirst
    ? { value: said.severity, at, isOfFiring: said.status !== 'resolved' }
    : severityAfter(said, alert);
  alert.occurrences += 1;
  if (clock !== null) {
    alert.words.begin(clock);
    if (alert.severity.at === NEVER) alert.severity = { ...alert.severity, at: clock };
  }
  if (becomes === 'stale') return;
  if (clock !== null) alert.stateAt = Math.max(clock, alert.stateAt ?? NEVER);
  alert.isSaidToBeOver = said.status === 'resolved';
  const status =
    becomes === 'resolved' ? 'resolved' : becomes === 'raised' || becomes === 'reopened' ? 'firing' : alert.status;
  if (status === alert.status) return;
  alert.status = status;
  alert.actor = null;
  alert.snoozedUntil = null;
}

/** A body in a form that does not depend on the order of keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
