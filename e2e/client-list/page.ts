import type { Alert, AlertAct, AlertSearch } from '@tocsin/contracts/wire';
import type { ClientApi, ClientCore, ClientList, ClientStore, ClientStream } from '../faults/client-copy';
import { tokenFor } from '../kit/tokens';

/** The lists that both pages show: several orders and conditions, and one list that is not loaded to its end. */
export const SEARCHES: readonly AlertSearch[] = [
  {},
  { status: ['firing', 'acknowledged', 'snoozed'] },
  { order: 'severity', status: ['firing', 'acknowledged'] },
  { order: 'oldest', service: ['inventory'] },
  { status: ['resolved'] },
  { severity: ['urgent', 'high'], assignee: ['me', 'none'] },
  { order: 'severity', limit: 3 },
  { order: 'oldest', limit: 2, status: ['firing'] },
];

type Call = Parameters<typeof fetch>;

/** One user's page without a browser: the client's own stream, lists and acts, over a network that fails on command. */
export class Page {
  private stream!: ClientStream;
  private store!: ClientStore;
  private api!: ClientApi;
  lists: ClientList[] = [];
  /** The acts in progress. They never reject. */
  readonly acts = new Set<Promise<unknown>>();
  private closers: (() => void)[] = [];
  private readonly calls = new Set<AbortController>();
  private readonly kept = new Map<string, string>();
  private isOffline = false;
  /** While it is set, responses of the API wait for it, so that the stream's entries come first. */
  private held: { until: Promise<void>; release: () => void } | undefined;

  constructor(
    private readonly core: ClientCore,
    private readonly gateway: string,
    readonly user: string,
    /** Reports the page's events, in words. */
    private readonly say: (what: string) => void,
  ) {}

  /**
   * Loads the page as a browser does, and keeps the earlier page's position. `from`: where the stream begins when there
   * is none.
   */
  load(from?: string): void {
    const { AlertStream, AlertsApi, AlertStore } = this.core;
    const storage = {
      getItem: (key: string) => this.kept.get(key) ?? null,
      setItem: (key: string, value: string) => void this.kept.set(key, value),
      removeItem: (key: string) => void this.kept.delete(key),
    };
    const token = () => tokenFor(this.user, { scope: 'alerts:read alerts:write' });
    this.stream = new AlertStream({
      url: `${this.gateway}/api/events`,
      token,
      storage,
      sharing: false,
      fetch: (...call) => this.fetch(call),
      ...(from && { from }),
    });
    this.api = new AlertsApi(`${this.gateway}/api/v1`, this.stream.credential, (...call) => this.fetch(call));
    this.store = new AlertStore(this.api, this.stream);
    this.lists = SEARCHES.map((search) => this.store.list(search));
    const heard = this.stream.on('entry', ({ seq, change }) => this.say(`hears ${seq} ${change}`));
    this.closers = [
      heard,
      this.store.attach(),
      ...this.lists.map((list) => list.subscribe(() => undefined)),
      () => this.stream.close(),
    ];
    this.stream.open();
  }

  /** The stream position of a list that was just loaded. */
  async cursorOfList(): Promise<string> {
    return (await this.api.list({ limit: 1 })).cursor;
  }

  /** Leaves the page and loads it again. */
  reload(): void {
    this.release();
    this.unload();
    this.load();
  }

  unload(): void {
    for (const close of this.closers.splice(0).reverse()) close();
    for (const call of this.calls) call.abort();
  }

  /** Cuts the network, even in the middle of a request. */
  disconnect(): void {
    this.isOffline = true;
    for (const call of this.calls) call.abort();
  }

  reconnect(): void {
    this.isOffline = false;
    this.stream.reconnect();
  }

  hold(): void {
    if (this.held) return;
    let release!: () => void;
    this.held = { until: new Promise((resolve) => (release = resolve)), release };
  }

  release(): void {
    this.held?.release();
    this.held = undefined;
  }

  act(alertIds: readonly string[], act: AlertAct): void {
    const acting: Promise<unknown> = this.store.act(alertIds, act).finally(() => this.acts.delete(acting));
    this.acts.add(acting);
  }

  /** The alerts that any list shows, on which the user could act. */
  get shown(): Alert[] {
    return [
      ...new Map(
        this.lists.flatMap((list) => list.getSnapshot().alerts).map((alert) => [alert.alert_id, alert]),
      ).values(),
    ];
  }

  /** Why the page has not reached the server's position yet; null when it has. */
  behind(head: string): string | null {
    if (this.stream.cursor !== head) return `${this.user} is at ${this.stream.cursor}, the log at ${head}`;
    if (this.stream.status.state !== 'live') return `${this.user} is ${this.stream.status.state}`;
    const pictures = this.lists.map((list) => list.getSnapshot());
    if (
      pictures.some(({ loading, loadingMore, loadedAt, error }) => loading || loadingMore || loadedAt === null || error)
    )
      return `${this.user} loads, or could not`;
    return this.acts.size > 0 ? `${this.user} acts` : null;
  }

  private async fetch([input, init = {}]: Call): Promise<Response> {
    if (this.isOffline) throw new TypeError('fetch failed');
    const call = new AbortController();
    this.calls.add(call);
    const response = await fetch(input, {
      ...init,
      signal: AbortSignal.any([call.signal, ...(init.signal ? [init.signal] : [])]),
    });
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) return response;
    const text = await response.text();
    await this.held?.until;
    this.calls.delete(call);
    // the server has executed a request whose response was lost
    if (call.signal.aborted) throw new TypeError('terminated');
    this.say(`is answered ${init.method} ${String(input).slice(this.gateway.length)} ${numbersIn(text)}`);
    return new Response(text, response);
  }
}

/** The newest entry's number of each alert in a response. */
const numbersIn = (text: string): string => [...text.matchAll(/"last_seq":(\d+)/g)].map(([, seq]) => seq).join(' ');
