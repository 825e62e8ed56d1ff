import type { AlertStatus, Change, Severity } from '@tocsin/contracts/wire';
import { judgeAct, type Doing, type Judged, type LastAct } from './acts';
import { FoldWindow, type During } from './fold-window';
import { clockOf, isSeverer, NEVER, Words, type Description, type Said } from './words';

/** An alert as the documents say that it must be by now. */
export class ModelAlert {
  status!: AlertStatus;
  severity!: SeverityWord;
  occurrences = 0;
  assignee: string | null = null;
  snoozedUntil: string | null = null;
  /** Who made the status what it is, when a person did. */
  actor: string | null = null;
  /** The newest clock that was heard of its producer, and whether its last word is that it is over. */
  stateAt: number | null = null;
  isSaidToBeOver = false;
  /** Repeats on record that no entry has told of; the newest of them. */
  folded = 0;
  newestFolded: Said | null = null;
  lastSeq = 0;
  /** Known once the log has shown it. */
  alertId = '';
  readonly words = new Words();
  /** What its newest entry says of it, where filters ask: the next one tells what was another. */
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

/** What becomes of a message: `same` is a snapshot of what is so already. */
export type Becomes = Change | 'same';

/** The state rules of an alert: what a message changes, decided from the message and the alert alone. */
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

/** Two clocks are compared where both are there. At the same instant `resolved` wins. */
function isOlder(said: Said, alert: ModelAlert): boolean {
  const clock = clockOf(said);
  if (clock === null || alert.stateAt === null || clock > alert.stateAt) return false;
  return clock < alert.stateAt || (said.status !== 'resolved' && !alert.isOpen && alert.isSaidToBeOver);
}

/** The severity that was said last, and when. That of a `resolved` holds only until something has fired. */
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

/** One message that has its row: the same id again is the same message, or a conflict. */
interface Known {
  body: string;
  alert: ModelAlert;
  /** Its entry's number, as far as it has one. */
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

/** One tenant's alerts, written from the documents and from nothing else. */
export class TenantModel {
  readonly alerts = new Map<string, ModelAlert>();
  private readonly known = new Map<string, Known>();
  readonly conflicts: string[] = [];

  /** How a history names an alert: by its key, or by the message that it consists of. */
  static nameOf = ({ service, dedup_key, id }: Said): string =>
    dedup_key === undefined ? `${service}#${id}` : `${service}/${dedup_key}`;

  /** Takes a message in the order of storing. */
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

  /** The log has given this message a number. */
  numbered(said: Pick<Said, 'service' | 'id'>, seq: number): void {
    this.known.get(`${said.service} ${said.id}`)!.seq = seq;
  }

  knows = (said: Said): Known => this.known.get(`${said.service} ${said.id}`)!;

  /** A person's act, judged as the alert is now. What it changes is changed when the log shows it: see `acted`. */
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

/** A body in which the order of keys is no difference. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
