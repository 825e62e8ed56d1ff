import type { Alert, Change, Entry } from '@tocsin/contracts/wire';
import { applyAct, type Doing } from './acts';
import { compareAlert, describedAs, Difference, differing, inShort, nameOf, whatWasAnother } from './comparison';
import type { During } from './fold-window';
import { ModelAlert, TenantModel, type Heard } from './model';
import type { Said } from './words';

/**
 * "A snooze that is over is ended within a second", and a window at its end: how late that may be on a busy machine.
 */
const LATE_MS = 10_000;
const ROUNDING_MS = 2;

type Expected = Partial<Entry>;

/**
 * Follows one tenant's event log entry by entry, beside the model. The documentation leaves some things to time (when a
 * window of repeats or a snooze ends): the event log shows them, and the witness checks whether they were allowed.
 */
export class Witness {
  readonly model = new TenantModel();
  private readonly byId = new Map<string, ModelAlert>();
  private waiting: Entry[] = [];
  private seq = 0;

  /** Adds entries that have been read but not explained yet. */
  read(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const expected = this.seq + this.waiting.length + 1;
      if (entry.seq !== expected) throw new Difference(`the log goes on with ${entry.seq}, and not with ${expected}`);
      this.waiting.push(entry);
    }
  }

  /** Explains the entry of a message that was stored between these two moments. */
  hear(said: Said, during: During): Heard {
    this.passTime();
    const present = this.model.alerts.get(TenantModel.nameOf(said));
    const untold = present?.folded ?? 0;
    const heard = this.model.hear(said);
    if (heard.outcome !== 'new') return heard;
    const { alert, becomes } = heard;
    if (becomes === 'repeated' && !this.isStored(said, alert, during)) {
      alert.window.count(during, 'folded');
      alert.folded = untold + 1;
      alert.newestFolded = said;
      this.passTime();
      return heard;
    }
    if (becomes === 'repeated') alert.window.count(during, 'stored');
    const previous = heard.before === null ? null : { status: heard.before, severity: heard.severityBefore! };
    const occurred = said.occurred_at === undefined ? {} : { occurred_at: said.occurred_at };
    const entry = this.take(
      alert,
      becomes,
      { event_id: said.id, service: said.service, previous, actor: null, note: null, ...occurred },
      JSON.stringify(said),
    );
    this.model.numbered(said, entry.seq);
    return heard;
  }

  private isStored(said: Said, alert: ModelAlert, during: During): boolean {
    const next = this.waiting[0];
    const judged = alert.window.judge(during);
    return judged === 'either' ? next?.event_id === said.id && next.service === said.service : judged === 'stored';
  }

  /** Explains the entry of a person's act. */
  acted(alert: ModelAlert, doing: Doing, change: Change, during: During): Entry {
    this.passTime();
    const previous = { status: alert.status, severity: alert.severity.value };
    applyAct(alert, doing, change, during);
    return this.take(alert, change, { previous, actor: doing.user, note: doing.note ?? null }, JSON.stringify(doing));
  }

  /** Explains entries that come by time: the newest of folded repeats becomes an entry, and a snooze ends. */
  passTime(): void {
    for (let next = this.waiting[0]; next; next = this.waiting[0]) {
      const alert = this.byId.get(next.alert_id);
      if (!alert) return;
      if (next.change === 'unsnoozed' && next.actor === null) this.wake(alert, next);
      else if (next.change === 'repeated' && alert.newestFolded !== null && next.event_id === alert.newestFolded.id)
        this.tell(alert, next);
      else return;
    }
  }

  private wake(alert: ModelAlert, entry: Entry): void {
    const previous = { status: alert.status, severity: alert.severity.value };
    if (alert.status !== 'snoozed') throw new Difference(`${nameOf(alert)} wakes, and is ${alert.status}`);
    const late = Date.parse(entry.received_at) - Date.parse(alert.snoozedUntil!);
    if (late < -ROUNDING_MS || late > LATE_MS)
      throw new Difference(`${nameOf(alert)} wakes ${late} ms after ${alert.snoozedUntil}`);
    Object.assign(alert, { status: 'firing', snoozedUntil: null, actor: null });
    this.take(alert, 'unsnoozed', { previous, actor: null, note: null }, 'the end of a snooze');
  }

  private tell(alert: ModelAlert, entry: Entry): void {
    if (!alert.window.mayBeOverAt(Date.parse(entry.received_at)))
      throw new Difference(`${nameOf(alert)} tells of folded repeats before its window is over: ${inShort(entry)}`);
    const { id, service } = alert.newestFolded!;
    alert.folded -= 1;
    const previous = { status: alert.status, severity: alert.severity.value };
    this.take(
      alert,
      'repeated',
      { event_id: id, service, previous, actor: null, note: null },
      'the end of a window of folded repeats',
    );
    this.model.numbered({ id, service }, entry.seq);
  }

  /** Takes the next entry, which must be this one. */
  private take(alert: ModelAlert, change: Change, more: Expected, why: string): Entry {
    const entry = this.waiting.shift();
    if (!entry) throw new Difference(`no entry "${change}" of ${nameOf(alert)} after ${this.seq}, for ${why}`);
    this.seq += 1;
    const { status, occurrences, folded, assignee, snoozedUntil, dedupKey, service } = alert;
    const expected: Expected = {
      change,
      status,
      severity: alert.severity.value,
      occurrences,
      folded,
      assignee,
      snoozed_until: snoozedUntil,
      dedup_key: dedupKey,
      service,
      ...more,
    };
    Object.assign(expected, describedAs(alert));
    if (more.previous) expected.previous = { ...more.previous, ...whatWasAnother(alert) };
    if (alert.alertId === '') this.byId.set((alert.alertId = entry.alert_id), alert);
    expected.alert_id = alert.alertId;
    const wrong = differing(expected, entry);
    if (wrong.length > 0)
      throw new Difference(
        `entry ${entry.seq} ("${entry.change}" of ${nameOf(alert)}), for ${why}:\n  ${wrong.join('\n  ')}`,
      );
    alert.folded = 0;
    alert.newestFolded = null;
    alert.lastSeq = entry.seq;
    alert.shown = alert.words.description;
    return entry;
  }

  /** The alerts in the order of their next entries in the event log; those without an entry come last. */
  inOrderOfLog(alerts: readonly ModelAlert[]): ModelAlert[] {
    const place = ({ alertId }: ModelAlert) => this.waiting.findIndex((entry) => entry.alert_id === alertId) >>> 0;
    return [...alerts].sort((one, other) => place(one) - place(other));
  }

  isNextOf = (alert: ModelAlert): boolean => this.waiting[0]?.alert_id === alert.alertId;

  /** Throws when the event log has an entry that has not been explained. */
  settle(): void {
    this.passTime();
    const [entry] = this.waiting;
    if (entry) throw new Difference(`an entry for which there is no reason: ${inShort(entry)}`);
  }

  /** Whether a list is newer than the entries that were read before it. */
  isBehind = (alerts: readonly Alert[]): boolean => alerts.some(({ last_seq }) => last_seq > this.seq);

  /** Compares the alerts of a list. */
  compare(alerts: readonly Alert[]): void {
    const listed = new Map(alerts.map((alert) => [alert.alert_id, alert]));
    for (const alert of this.model.alerts.values()) {
      const shown = listed.get(alert.alertId);
      if (!shown) throw new Difference(`${nameOf(alert)} (${alert.alertId}) is not listed`);
      compareAlert(alert, shown);
    }
    const known = this.model.alerts.size;
    if (alerts.length !== known) throw new Difference(`${alerts.length} alerts are listed, and not ${known}`);
  }

  /** Compares an alert that was loaded by itself. */
  compareShown = (shown: Alert): void => compareAlert(this.byId.get(shown.alert_id)!, shown);

  /** The change that is still to come by time; null when there is none. */
  get pending(): string | null {
    for (const alert of this.model.alerts.values()) {
      if (alert.folded > 0) return `${nameOf(alert)} has ${alert.folded} repeats that no entry has told of`;
      if (alert.snoozedUntil !== null && Date.parse(alert.snoozedUntil) < Date.now())
        return `${nameOf(alert)} is snoozed until ${alert.snoozedUntil}`;
    }
    return null;
  }
}
