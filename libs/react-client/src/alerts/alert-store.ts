import type { Alert, AlertAct, AlertSearch, Entry } from '@tocsin/contracts/wire';
import type { AlertStream } from '../alert-stream';
import { AlertList } from './alert-list';
import type { AlertsApi } from './alerts-api';
import type { ApiProblem } from './api-problem';
import type { Gap } from '../stream/status';
import { KnownAlerts } from './known-alerts';
import { NextFrame } from './next-frame';
import { PendingActs } from './pending-acts';
import { sendAct, type ActOutcome } from './send-act';
import { streamSettled } from './stream-settled';

/** How many entries are kept while a page is being loaded. If more arrive, all lists are loaded again. */
const MAX_MEANWHILE = 20_000;
/** How long a list without subscribers is kept, in case a component subscribes again. */
const KEEP_LIST_MS = 5_000;
/** How long after a failed request a watched alert that is not known is asked for again. */
const ASK_AGAIN_MS = 5_000;
/** How long a list waits for the stream before it is loaded without it. */
const AWAIT_STREAM_MS = 1_500;

/**
 * The data that all lists of a page share: each alert once, kept up to date by the stream, with the acts that are
 * pending.
 */
export class AlertStore {
  private readonly known = new KnownAlerts();
  private readonly fetching = new Set<string>();
  /** Alerts that are being asked for, and whose answer may be from before a gap. */
  private readonly askedBefore = new Set<string>();
  /** Watched alerts of which the server said that there is none, or none for this user. */
  private readonly missing = new Set<string>();
  private readonly pending = new PendingActs();
  /** The last act on each alert that is being sent. */
  private readonly sending = new Map<string, Promise<unknown>>();
  private readonly lists = new Map<string, AlertList>();
  private readonly used = new Set<AlertList>();
  private readonly watched = new Map<string, Set<() => void>>();
  private readonly dirty = new Set<string>();
  private readonly frame = new NextFrame(() => this.flush());
  /** How many pages are being loaded, and the entries that arrived meanwhile. */
  private loads = 0;
  private meanwhile: Entry[] = [];
  private tenants: ReadonlySet<string> = new Set();

  constructor(
    readonly api: AlertsApi,
    private readonly stream: AlertStream,
  ) {}

  get user(): string | undefined {
    return this.stream.user;
  }

  /** Follows the stream. Returns a function that unsubscribes. */
  attach(): () => void {
    const ends = [
      this.stream.on('entry', (entry) => this.hear(entry)),
      this.stream.on('fresh', () => this.reload((list) => list.isLoaded || list.isLoading)),
      // a list whose load failed tries again when the server is back
      this.stream.on('connection', () => this.reload((list) => list.getSnapshot().error !== null)),
      this.stream.on('connection', () => this.known.partialIds().forEach((alertId) => void this.fetch(alertId))),
      this.stream.on('connection', () => this.askForUnknown()),
      this.stream.on('fresh', () => this.fetchWatched()),
      this.stream.on('gap', (gap) => this.noteGap(gap)),
      this.stream.subscribe(() => this.keepTenants(this.stream.status.tenants.map(({ tenant_id }) => tenant_id))),
    ];
    return () => ends.forEach((end) => end());
  }

  /** The list of a search. The same search gets the same list. */
  list(search: AlertSearch = {}): AlertList {
    const key = JSON.stringify(search, (_, value: unknown) =>
      isObject(value) ? Object.fromEntries(Object.entries(value).sort()) : value,
    );
    const list = this.lists.get(key) ?? new AlertList(this, search);
    this.lists.set(key, list);
    return list;
  }

  /** The alert as it is shown, pending acts included; undefined if it was not loaded. */
  get(alertId: string): Alert | undefined {
    const alert = this.known.get(alertId);
    return alert && this.pending.shown(alert);
  }

  /**
   * The alert as it was last known, for a row that is still shown after its alert has left the list; undefined when it
   * was never known, or long ago. While a list or a watcher holds the alert, the same as `get`.
   */
  lastKnown(alertId: string): Alert | undefined {
    return this.get(alertId) ?? this.known.departed(alertId);
  }

  /**
   * Whether the server said that there is no such alert, or none for this user. Only while it is watched; false as long
   * as there is no answer.
   */
  isMissing(alertId: string): boolean {
    return this.missing.has(alertId);
  }

  /** Calls back when the alert changes, and loads it if it is not known. Returns a function that unsubscribes. */
  watch(alertId: string, listener: () => void): () => void {
    const isFirst = !this.watched.has(alertId);
    const listeners = this.watched.get(alertId) ?? new Set();
    this.watched.set(alertId, listeners.add(listener));
    if (isFirst && !this.known.has(alertId)) void this.fetch(alertId);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) {
        this.watched.delete(alertId);
        this.missing.delete(alertId);
      }
      this.letGo(alertId);
    };
  }

  /** Loads every list in use again. If all loads succeed, it also clears the stream's gap. */
  async reloadAll(): Promise<void> {
    await Promise.all([this.reload(() => true), this.fetchWatched()]);
    if ([...this.used].every((list) => list.getSnapshot().error === null)) this.stream.dismissGap();
  }

  /**
   * Does an act on alerts. Its effect shows at once and is rolled back for alerts on which it is refused. Acts on the
   * same alert are sent one after the other, so that they arrive in the order in which the user did them. Never
   * rejects: `refused` lists the alerts on which the act failed.
   */
  async act(alertIds: readonly string[], act: AlertAct): Promise<ActOutcome> {
    const ends = alertIds.map((alertId) => this.pending.add(alertId, act, this.user));
    this.touch(alertIds);
    this.frame.now();
    const outcome = await this.sendInTurn(alertIds, act);
    for (const end of ends) end();
    for (const alert of outcome.alerts) this.known.merge(alert);
    this.touch(alertIds);
    this.frame.now();
    return outcome;
  }

  /**
   * Asks for these alerts, one after the other, and tells those that do not fire, as they are now. For what is shown
   * beside the lists, such as toasts, after a gap. Never rejects: an alert that cannot be asked for stays.
   */
  async lookAgain(alertIds: readonly string[], onEnded: (alertId: string, alert: Alert) => void): Promise<void> {
    for (const alertId of alertIds) {
      const alert = await this.api.alert(alertId).catch(() => undefined);
      if (alert && alert.status !== 'firing') onEnded(alertId, alert);
    }
  }

  // ---- for lists --------------------------------------------------------------------------------------------------

  use(list: AlertList): void {
    this.used.add(list);
    if (!list.isLoaded) void this.firstLoad(list);
  }

  leave(list: AlertList): void {
    setTimeout(() => {
      if (list.isUsed) return;
      this.used.delete(list);
      for (const [key, one] of this.lists) if (one === list) this.lists.delete(key);
      list.forget();
    }, KEEP_LIST_MS);
  }

  /**
   * Keeps the entries that arrive during the load and applies them again after it, because the page may be older than
   * they are.
   */
  async whileLoading(load: () => Promise<void>): Promise<void> {
    this.loads += 1;
    try {
      await load();
    } finally {
      this.loads -= 1;
      const { meanwhile } = this;
      if (this.loads === 0) this.meanwhile = [];
      for (const entry of meanwhile) this.apply(entry);
      this.frame.now();
    }
  }

  /** Takes an alert of a page, unless a newer version of it is known. */
  takeLoaded(alert: Alert, list: AlertList): void {
    this.known.merge(alert);
    list.place(this.get(alert.alert_id)!);
    if (this.known.isPartial(alert.alert_id) || this.watched.has(alert.alert_id)) this.touch([alert.alert_id]);
    this.letGo(alert.alert_id);
  }

  /** Forgets an alert that no list and no watcher needs. */
  letGo(alertId: string): void {
    if (this.watched.has(alertId) || this.pending.has(alertId) || [...this.used].some((list) => list.has(alertId)))
      return;
    this.known.forget(alertId);
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private hear(entry: Entry): void {
    if (this.loads > 0) {
      this.meanwhile.push(entry);
      if (this.meanwhile.length > MAX_MEANWHILE) {
        this.meanwhile = [];
        void this.reloadAll();
      }
    }
    this.apply(entry);
  }

  private apply(entry: Entry): void {
    // even if a response brought this entry's change already, lists that were loaded before it have yet to show it
    this.touch([entry.alert_id]);
    if (this.known.apply(entry)) this.missing.delete(entry.alert_id);
  }

  private async fetch(alertId: string): Promise<void> {
    this.fetching.add(alertId);
    try {
      const alert = await this.api.alert(alertId);
      if (this.askedBefore.delete(alertId)) return await this.fetch(alertId);
      this.known.merge(alert);
      this.missing.delete(alertId);
      this.touch([alertId]);
    } catch (error) {
      this.askedBefore.delete(alertId);
      // it stays as it is until the stream is back; a watcher of an unknown alert is told only what the server said
      if (!this.watched.has(alertId) || this.known.has(alertId)) return;
      if ((error as ApiProblem).status === 404) this.missing.add(alertId);
      else setTimeout(() => this.askForUnknown(alertId), ASK_AGAIN_MS);
      this.watched.get(alertId)?.forEach((listener) => listener());
      return;
    } finally {
      this.fetching.delete(alertId);
    }
    // an entry arrived meanwhile, so the response was out of date
    if (this.known.isPartial(alertId)) await this.fetch(alertId);
  }

  /** Asks for watched alerts that are neither known nor said to be missing. */
  private askForUnknown(only?: string): void {
    for (const alertId of only === undefined ? this.watched.keys() : [only])
      if (this.watched.has(alertId) && !this.known.has(alertId) && !this.missing.has(alertId)) void this.fetch(alertId);
  }

  /** Loads the watched alerts again: perhaps no list has what was missed of them. */
  private async fetchWatched(): Promise<void> {
    for (const alertId of this.fetching) this.askedBefore.add(alertId);
    const known = [...this.watched.keys()].filter((alertId) => this.known.has(alertId) && !this.fetching.has(alertId));
    await Promise.all(known.map((alertId) => this.fetch(alertId)));
  }

  private noteGap({ tenants }: Gap): void {
    const replaced = tenants.filter(({ reason }) => reason === 'history_replaced').map(({ tenant_id }) => tenant_id);
    this.known.outdateTenants(new Set(replaced));
    void this.fetchWatched();
  }

  private async sendInTurn(alertIds: readonly string[], act: AlertAct): Promise<ActOutcome> {
    const before = new Set(alertIds.map((alertId) => this.sending.get(alertId)));
    const sent = Promise.all(before).then(() => sendAct(this.api, alertIds, act));
    for (const alertId of alertIds) this.sending.set(alertId, sent);
    const outcome = await sent;
    for (const alertId of alertIds) if (this.sending.get(alertId) === sent) this.sending.delete(alertId);
    return outcome;
  }

  private touch(alertIds: readonly string[]): void {
    for (const alertId of alertIds) this.dirty.add(alertId);
    this.frame.ask();
  }

  private flush(): void {
    const changed = new Set<AlertList>();
    const dirty = [...this.dirty];
    this.dirty.clear();
    for (const alertId of dirty) {
      const alert = this.get(alertId);
      if (!alert) continue;
      for (const list of this.used) if (list.isLoaded && list.place(alert)) changed.add(list);
      this.watched.get(alertId)?.forEach((listener) => listener());
      this.letGo(alertId);
      // the entry of a repeat does not say who acknowledged the alert, nor that of an act since when the alert is open
      if (this.known.isPartial(alertId) && !this.fetching.has(alertId)) void this.fetch(alertId);
    }
    for (const list of changed) list.publish();
  }

  private async reload(which: (list: AlertList) => boolean): Promise<void> {
    await Promise.all([...this.used].filter(which).map((list) => list.load()));
  }

  private keepTenants(now: readonly string[]): void {
    const lost = new Set([...this.tenants].filter((tenant) => !now.includes(tenant)));
    this.tenants = new Set(now);
    // a closed stream lists no tenants, which does not mean that access was lost
    if (lost.size === 0 || now.length === 0) return;
    for (const list of this.used) list.removeTenants(lost);
    this.known.forgetTenants(lost);
    this.askForUnknown();
  }

  private async firstLoad(list: AlertList): Promise<void> {
    await streamSettled(this.stream, AWAIT_STREAM_MS);
    if (list.isUsed && !list.isLoaded && !list.isLoading) await list.load();
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
