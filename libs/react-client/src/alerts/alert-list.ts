import type { Alert, AlertFacets, AlertPage, AlertPlace, AlertSearch, ListOrder } from '@tocsin/contracts/wire';
import { matcherOf } from './alert-matches';
import { COMPARE, placeOf } from './alert-order';
import type { AlertStore } from './alert-store';
import type { ApiProblem } from './api-problem';

/** An immutable snapshot of a list: a new object whenever a value in it changes. */
export interface AlertsShown {
  /** The alerts that were loaded, sorted. An alert that did not change is the same object. */
  alerts: readonly Alert[];
  /** Whether the first page, or the whole list again, is being loaded. The alerts stay meanwhile. */
  loading: boolean;
  /** Whether the next page is being loaded, or will be when the list is. */
  loadingMore: boolean;
  /** Why the last load failed; null when it did not. */
  error: ApiProblem | null;
  /** Whether the server may have more alerts after the last one, or after the part that it has `searched`. */
  hasMore: boolean;
  /** When the list was last loaded, by `Date.now()`; null: not yet. */
  loadedAt: number | null;
  /** The counts as of `loadedAt`, when the search asked for them; else null. */
  facets: AlertFacets | null;
  /**
   * How far the server has searched, when the search has conditions beyond tenant, status, severity and time; else
   * null. A page of such a search ends early when few alerts match.
   */
  searched: AlertPage['searched'] | null;
  /**
   * Whether the server's search bound ended the last page before it was full. Loading more automatically would then
   * walk through all alerts: ask the user.
   */
  endedEarly: boolean;
}

const NOTHING: AlertsShown = Object.freeze({
  alerts: [],
  loading: false,
  loadingMore: false,
  error: null,
  hasMore: false,
  loadedAt: null,
  facets: null,
  searched: null,
  endedEarly: false,
});
const PAGE = 50;
const MAX_PAGE = 200;

/**
 * One search of the API, kept live: always what the server would return, as far down as it was loaded. Pages bring
 * alerts and entries of the stream change them. The newer of the two counts (`last_seq`), so it does not matter which
 * comes first.
 */
export class AlertList {
  private shown: AlertsShown = NOTHING;
  private readonly listeners = new Set<() => void>();
  private readonly matches: (alert: Alert) => boolean;
  private readonly compare: (typeof COMPARE)[ListOrder];
  private sorted: Alert[] = [];
  /** The alerts of `sorted`, by id. */
  private readonly placed = new Map<string, Alert>();
  /** Where the last page ended: alerts that sort after it are not loaded. Null: everything is loaded. */
  private edge: AlertPlace | null = null;
  private next: string | null = null;
  /**
   * How many pages ended before they were full. A reload stops after as many, or a rare search would walk through all
   * alerts.
   */
  private unfilled = 0;
  private loading: Promise<void> | null = null;
  /** Whether the last load failed: the list may lack what was missed before it. */
  private isOutdated = false;
  /** The number of the present load: the response of an earlier load is dropped. */
  private generation = 0;

  constructor(
    private readonly store: AlertStore,
    readonly search: AlertSearch,
  ) {
    const matches = matcherOf(search, () => store.user);
    this.matches = search.order === 'resolved' ? (alert) => alert.status === 'resolved' && matches(alert) : matches;
    this.compare = COMPARE[search.order ?? 'newest'];
  }

  readonly getSnapshot = (): AlertsShown => this.shown;

  static readonly empty = (): AlertsShown => NOTHING;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    if (this.listeners.size === 1) this.store.use(this);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.store.leave(this);
    };
  };

  has(alertId: string): boolean {
    return this.placed.has(alertId);
  }

  get isUsed(): boolean {
    return this.listeners.size > 0;
  }

  get isLoading(): boolean {
    return this.loading !== null;
  }

  get isLoaded(): boolean {
    return this.shown.loadedAt !== null;
  }

  /**
   * Loads the list, or as much of it as was loaded again (up to 1,000 alerts). Never rejects: `error` says why it
   * failed.
   */
  load(): Promise<void> {
    const generation = (this.generation += 1);
    const loading = this.loadAll(generation).finally(() => {
      if (this.loading === loading) this.loading = null;
    });
    this.loading = loading;
    return loading;
  }

  /**
   * Loads the next page, after the list when that is being loaded or its last load failed; does nothing when there is
   * none or when it is asked for already. Never rejects: `error` says why it failed.
   */
  async loadMore(): Promise<void> {
    if (this.shown.loadingMore || this.next === null) return;
    this.show({ loadingMore: true });
    if (this.isOutdated && !this.loading) void this.load();
    for (let isLoaded = false; !isLoaded;) {
      while (this.loading) await this.loading;
      // the list was forgotten
      if (!this.shown.loadingMore) return;
      if (this.next === null || this.isOutdated) return this.show({ loadingMore: false });
      isLoaded = await this.loadNext(this.next);
    }
  }

  /** Returns false when the list was loaded again meanwhile: it may end elsewhere then. */
  private async loadNext(next: string): Promise<boolean> {
    const { generation } = this;
    await this.store.whileLoading(async () => {
      try {
        const page = await this.store.api.list({ ...this.search, after: next, facets: false });
        if (generation !== this.generation) return;
        this.take(page);
        const unfilled = isUnfilled(page, this.search.limit);
        if (unfilled) this.unfilled += 1;
        this.show({
          loadingMore: false,
          error: null,
          searched: page.searched ?? null,
          endedEarly: unfilled && page.next !== null,
        });
      } catch (error) {
        if (generation === this.generation) this.show({ loadingMore: false, error: error as ApiProblem });
      }
    });
    return generation === this.generation;
  }

  private async loadAll(generation: number): Promise<void> {
    this.show({ loading: true });
    await this.store.whileLoading(async () => {
      try {
        const wanted = Math.max(this.search.limit ?? PAGE, Math.min(this.placed.size, 1_000));
        const pages: AlertPage[] = [];
        let unfilled = 0;
        let endedEarly = false;
        const mostUnfilled = Math.max(1, this.unfilled);
        for (
          let count = 0, after: string | null | undefined = undefined;
          after !== null && count < wanted && unfilled < mostUnfilled;
          count += pages.at(-1)!.alerts.length
        ) {
          const limit = this.isLoaded ? Math.min(MAX_PAGE, wanted - count) : this.search.limit;
          const page: AlertPage = await this.store.api.list({
            ...this.search,
            ...(limit && { limit }),
            ...(after && { after, facets: false }),
          });
          if (generation !== this.generation) return;
          pages.push(page);
          after = page.next;
          if (isUnfilled(page, limit)) unfilled += 1;
          endedEarly = isUnfilled(page, limit) && page.next !== null;
        }
        this.clear();
        for (const page of pages) this.take(page);
        this.unfilled = unfilled;
        this.isOutdated = false;
        const { facets = null } = pages[0]!;
        const { searched = null } = pages.at(-1)!;
        this.show({ loading: false, error: null, loadedAt: Date.now(), facets, searched, endedEarly });
      } catch (error) {
        if (generation !== this.generation) return;
        this.isOutdated = true;
        this.show({ loading: false, error: error as ApiProblem });
      }
    });
  }

  /** Whether an alert belongs in the part of the list that was loaded. */
  wants(alert: Alert): boolean {
    return this.matches(alert) && (this.edge === null || this.compare(alert, this.edge) <= 0);
  }

  /** Drops what was loaded: the next subscriber loads the list again. */
  forget(): void {
    this.generation += 1;
    this.clear();
    this.shown = NOTHING;
    this.edge = this.next = null;
    this.unfilled = 0;
    this.isOutdated = false;
  }

  private clear(): void {
    const before = [...this.placed.keys()];
    this.sorted = [];
    this.placed.clear();
    for (const alertId of before) this.store.letGo(alertId);
  }

  private take({ alerts, next, searched }: AlertPage): void {
    this.next = next;
    this.edge = next === null ? null : (searched?.reached ?? alerts.at(-1) ?? this.edge);
    for (const alert of alerts) this.store.takeLoaded(alert, this);
  }

  /** Moves an alert to its present place, or removes it if it no longer matches. Returns whether the list changed. */
  place(alert: Alert): boolean {
    const before = this.placed.get(alert.alert_id);
    if (!this.wants(alert)) return this.remove(alert.alert_id);
    if (before === alert) return false;
    const at = before && this.indexOf(before);
    if (at !== undefined && this.compare(before!, alert) === 0) this.sorted[at] = alert;
    else {
      if (at !== undefined) this.sorted.splice(at, 1);
      this.sorted.splice(placeOf(this.sorted, alert, this.compare), 0, alert);
    }
    this.placed.set(alert.alert_id, alert);
    return true;
  }

  remove(alertId: string): boolean {
    const before = this.placed.get(alertId);
    if (!before) return false;
    this.sorted.splice(this.indexOf(before), 1);
    this.placed.delete(alertId);
    return true;
  }

  /** Removes the alerts of tenants that the user may no longer see. */
  removeTenants(tenants: ReadonlySet<string>): void {
    const gone = [...this.placed.values()].filter(({ tenant_id }) => tenants.has(tenant_id));
    for (const { alert_id } of gone) this.remove(alert_id);
    if (gone.length > 0) this.publish();
  }

  publish(): void {
    this.show({});
  }

  private indexOf(alert: Alert): number {
    return placeOf(this.sorted, alert, this.compare);
  }

  private show(patch: Partial<AlertsShown>): void {
    this.shown = Object.freeze({ ...this.shown, alerts: [...this.sorted], hasMore: this.next !== null, ...patch });
    for (const listener of [...this.listeners]) listener();
  }
}

const isUnfilled = ({ alerts }: AlertPage, limit = PAGE): boolean => alerts.length < limit;
