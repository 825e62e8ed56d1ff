import {
  STREAM_EVENTS,
  type ConnectionFrame,
  type Entry,
  type HeartbeatFrame,
  type ResetFrame,
  type StreamEvent,
} from '@tocsin/contracts/wire';
import { CatchingUp } from './stream/catching-up';
import { Connection, STALE_PERIODS } from './stream/connection';
import { Credential } from './stream/credential';
import { HeardEntries } from './stream/heard-entries';
import { KeptPlace, sessionStorageIfAny } from './stream/kept-place';
import { Listeners } from './stream/listeners';
import type { AlertStreamOptions } from './stream/options';
import { latest } from './stream/position';
import type { SseFrame } from './stream/sse-parser';
import { CLOSED, type Gap, type StreamStatus } from './stream/status';
import type { StreamEventMap, StreamEventName, StreamListener } from './stream/stream-events';
import { streamUrl } from './stream/stream-url';
import type { Told } from './stream/told';
import { PageLife } from './stream/page-life';
import { SharedFeed, type SharedFeedOwner } from './tabs/shared-feed';
import { canShare } from './tabs/tab-lock';

/** After a shorter absence than this, missed entries count as live: they are toasted and need no banner. */
const AWAY_MS = 30_000;
/** A heartbeat whose last check of the event log is older than this shows that the server cannot reach the log. */
const UNCHECKED_MS = 10_000;
/** A replay that pauses for this long is over: the filter left out the entries that were still to come. */
const REPLAY_PAUSE_MS = 1_000;

/**
 * A user's stream of alerts, which reconnects by itself. Within one stream every entry is told once and in the order of
 * its tenant's event log, or a gap is told. Nothing happens before `open`. `close` ends everything; a later `open`
 * resumes at the same position. Both may be called twice.
 */
export class AlertStream {
  readonly credential: Credential;
  private readonly listeners = new Listeners();
  private readonly statusListeners = new Set<() => void>();
  private readonly heard = new HeardEntries();
  private readonly connection: Connection;
  private readonly life: PageLife;
  private current: StreamStatus = CLOSED;
  private position: string | null = null;
  /** Where the next attempt resumes, if not at this tab's own position: another tab may have heard less. */
  private resumeAt: string | null = null;
  private kept: KeptPlace | undefined;
  private shared: SharedFeed | undefined;
  /** A second connection, for a tab that is too far behind for the leading tab to send it what it missed. */
  private alone: Connection | undefined;
  private catchingUp: CatchingUp | undefined;
  /** When this stream, or the page that was loaded before, last heard from the server; `Date.now()`. */
  private lastWellAt = 0;
  private wasAway = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saved: Promise<void> | undefined;

  constructor(private readonly options: AlertStreamOptions) {
    this.credential = new Credential(options);
    this.connection = this.newConnection((signal) => this.takeTurn(signal));
    this.life = new PageLife({
      lookedAt: () => this.retry(),
      online: () => this.retry(),
      offline: () => this.connection.networkLost(),
      hidden: () => this.kept?.flush(),
      gone: () => this.shared?.sayBye(),
      frozen: () => this.stop(),
      thawed: () => this.start(),
    });
  }

  get status(): StreamStatus {
    return this.current;
  }

  /** The position after the last entry that was heard, which the API calls `cursor`; null before the first. */
  get cursor(): string | null {
    return this.position;
  }

  /** The id of the user whose stream it is; undefined until it is known. */
  get user(): string | undefined {
    return this.credential.user;
  }

  open(): this {
    if (this.current.state !== 'closed') return this;
    this.patch({ ...CLOSED, gap: this.current.gap, state: 'connecting' });
    this.life.watch();
    this.start();
    return this;
  }

  close(): void {
    if (this.current.state === 'closed') return;
    this.life.unwatch();
    this.stop();
    this.patch({ state: 'closed', reason: null, detail: null, retryAt: null, isLeader: false });
  }

  /** Calls back whenever `status` changes. Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void {
    this.statusListeners.add(listener);
    return () => void this.statusListeners.delete(listener);
  }

  /**
   * Listens to an event by name. If a listener throws, the others are called all the same. Returns a function that
   * unsubscribes.
   */
  on<E extends StreamEventName>(event: E, listener: StreamListener<E>): () => void {
    return this.listeners.add(event, listener);
  }

  /**
   * Reconnects at once and asks for a credential again. Call it after the user signed in again or pressed "Retry now".
   */
  reconnect(): void {
    // if several tabs are signed in again at once, each would otherwise cut the connection that the first has opened
    if (this.shared && !this.shared.isLeader && !this.connection.hasGivenUp) this.shared.askToReconnect();
    this.connection.retryNow({ evenIfWell: true });
    this.alone?.retryNow({ evenIfWell: true });
  }

  /** Clears `status.gap`. Call it when the list was loaded again. */
  dismissGap(): void {
    if (this.current.gap) this.patch({ gap: null });
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private start(): void {
    this.connection.start();
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.connection.stop();
    this.alone?.stop();
    this.alone = undefined;
    this.shared?.stop();
    this.shared = undefined;
    this.kept?.flush();
  }

  private retry(): void {
    this.connection.retryNow();
    this.alone?.retryNow();
  }

  private newConnection(turn: (signal: AbortSignal) => Promise<void>): Connection {
    const connection: Connection = new Connection({
      url: streamUrl(this.options),
      // some browsers throw unless `fetch` is called on the window
      fetch: this.options.fetch ?? ((...request) => globalThis.fetch(...request)),
      credential: this.credential,
      place: () => this.resumeAt ?? this.position,
      turn,
      onFrames: (frames) => this.onFrames(frames, connection),
      onStatus: (patch) => this.onStatus(patch, connection),
      onGivenUp: () => this.shared?.resign(),
    });
    return connection;
  }

  /**
   * Before each attempt: loads the kept position of the user who is signed in, and waits until this tab may connect.
   */
  private async takeTurn(signal: AbortSignal): Promise<void> {
    const { user } = this.credential;
    if (user === undefined) {
      this.position ??= this.options.from ?? null;
      return this.patch({ isLeader: true });
    }
    const name = JSON.stringify(['tocsin', user, streamUrl(this.options)]);
    if (!this.kept) {
      this.kept = new KeptPlace(
        this.options.storage === undefined ? sessionStorageIfAny() : this.options.storage,
        name,
      );
      const place = this.kept.load();
      this.position ??= place?.cursor ?? this.options.from ?? null;
      this.lastWellAt ||= place?.at ?? 0;
    }
    if (this.options.sharing === false || !canShare()) return this.patch({ isLeader: true });
    this.shared ??= new SharedFeed(name, this.asMember());
    const { shared } = this;
    const first = await shared.lead(signal);
    signal.throwIfAborted();
    this.resumeAt = first;
    this.alone?.stop();
    this.alone = undefined;
    this.patch({ isLeader: true });
  }

  private asMember(): SharedFeedOwner {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the getters read the stream's present values
    const stream = this;
    return {
      get cursor() {
        return stream.position;
      },
      get status() {
        return stream.current;
      },
      hear: (told, toasts) => this.hear(told, toasts),
      level: (cursor, tenants) => {
        const isFirst = this.position === null;
        this.moveTo(cursor);
        if (isFirst) this.listeners.tell('fresh', { tenants }, { replayed: false, notify: false, cursor });
      },
      followStatus: ({ gap: _theirs, ...status }) => {
        if (this.alone) return;
        // this tab is not in the queue for the lock: it would repeat what a tab said that has closed since
        if (this.connection.hasGivenUp && status.state !== 'live') return;
        this.patch({ ...status, isLeader: false });
        if (status.state === 'live') this.credential.resume();
        // the user signed in again in another tab: this tab queues for the lock again, or no tab could take over later
        if (this.connection.hasGivenUp) this.connection.retryNow();
        this.watchLeader();
      },
      catchUpAlone: () => {
        this.alone ??= this.newConnection(async () => undefined);
        this.alone.start();
      },
      reconnect: () => this.connection.retryNow({ evenIfWell: true }),
      deposed: () => {
        this.patch({ isLeader: false });
        this.connection.retryNow({ evenIfWell: true });
      },
    };
  }

  private onStatus(patch: Partial<StreamStatus>, from: Connection): void {
    // a following tab gets the connection's status from the leading tab
    if (
      from === this.connection &&
      this.shared &&
      !this.shared.isLeader &&
      patch.state !== 'signed_out' &&
      patch.state !== 'forbidden'
    )
      return;
    // a connection that is lost while it catches up is not live when the pause of its replay is over
    if (patch.state !== undefined) clearTimeout(this.timer);
    this.patch({ ...patch, ...((patch.state === 'signed_out' || patch.state === 'forbidden') && { isLeader: false }) });
    this.shared?.tellStatus(this.current);
  }

  private onFrames(frames: readonly SseFrame[], from: Connection): void {
    this.patch({ lastHeardAt: Date.now() });
    const told = frames.filter(isOurs).map((frame) => this.read(frame, from));
    if (told.length > 0) {
      if (this.shared?.isLeader) this.shared.tell(told);
      else this.hear(told, from === this.connection);
    }
    this.settle(told, from);
  }

  private read({ event, data, id }: SseFrame & { data: string }, from: Connection): Told {
    const read = JSON.parse(data) as unknown;
    if (event === 'connection') {
      this.resumeAt = null;
      this.catchingUp = new CatchingUp(read as ConnectionFrame, id);
      this.wasAway = Date.now() - this.lastWellAt >= AWAY_MS;
    }
    if (event === 'reset') this.catchingUp?.end((read as ResetFrame).tenant_id);
    const replayed = isEntry(event) && (this.catchingUp?.isReplayed(read as Entry) ?? false);
    const toastable = from === this.connection && !(replayed && this.wasAway);
    return { event: event as StreamEvent, data: read, cursor: id, replayed, toastable };
  }

  /** Sets the state from the frames: how many entries are left, and whether the server can reach the event log. */
  private settle(told: readonly Told[], from: Connection, paused = false): void {
    const last = told.at(-1);
    if (!last || last.event === 'close') return;
    const left = paused ? 0 : (this.catchingUp?.leftAt(last.cursor) ?? 0);
    const beat = told.findLast(({ event }) => event === 'heartbeat')?.data as HeartbeatFrame | undefined;
    const uncheckedMs = beat ? Date.parse(beat.server_time) - Date.parse(beat.checked_at) : 0;
    // while entries are still to come, no more is known than before
    const knownUntil = left > 0 ? this.current.knownUntil : Date.now() - uncheckedMs;
    if (uncheckedMs > UNCHECKED_MS) this.patch({ state: 'stale', reason: 'log_unchecked', left, knownUntil });
    else if (left > 0) this.patch({ state: 'catching_up', reason: null, detail: null, retryAt: null, left });
    else if (this.current.reason !== 'log_unchecked' || beat)
      this.patch({ state: 'live', reason: null, detail: null, retryAt: null, left, knownUntil });
    this.shared?.tellStatus(this.current);
    clearTimeout(this.timer);
    if (left > 0) this.timer = setTimeout(() => this.settle([last], from, true), REPLAY_PAUSE_MS);
    else if (from === this.alone) {
      this.alone.stop();
      this.alone = undefined;
      this.shared?.rejoin();
    }
  }

  /** Tells the listeners of this tab, each entry once. */
  private hear(told: readonly Told[], toasts: boolean): void {
    for (const { event, data, cursor, replayed, toastable } of told) {
      if (isEntry(event) && !this.heard.take(data as Entry)) continue;
      this.moveTo(cursor);
      const heard = { replayed, notify: toasts && toastable, cursor: this.position };
      if (event === 'connection') this.onConnection(data as ConnectionFrame);
      if (event === 'reset') this.onReset(data as ResetFrame);
      this.listeners.tell(event, data as StreamEventMap[typeof event], heard);
      if (isEntry(event)) this.listeners.tell('entry', data as Entry, heard);
    }
    // a refusal comes as a stream too, with nothing but its end
    const isOpen = this.current.state === 'live' || this.current.state === 'catching_up';
    if (isOpen || told.some(({ event }) => event !== 'close')) this.lastWellAt = Date.now();
    if (this.position !== null) this.kept?.save({ cursor: this.position, at: this.lastWellAt });
  }

  private moveTo(cursor: string): void {
    if (cursor !== '') this.position = latest(this.position, cursor);
  }

  private onConnection({ verdict, tenants, heartbeat_ms }: ConnectionFrame): void {
    // The gateway has accepted a credential of this user, maybe that of another tab. So what refused a request of this
    // tab is over, and lists that failed are loaded again by their listeners.
    this.credential.resume();
    this.patch({
      tenants,
      heartbeatMs: heartbeat_ms,
      ...(verdict === 'resumed' && { resumed: this.current.resumed + 1 }),
    });
    const fresh = tenants.filter((tenant) => tenant.verdict === 'fresh').map(({ tenant_id }) => tenant_id);
    if (fresh.length > 0)
      this.listeners.tell('fresh', { tenants: fresh }, { replayed: false, notify: false, cursor: this.position });
    const lost = tenants.filter((tenant) => tenant.verdict === 'gap');
    if (lost.length > 0) this.onGap({ missed: sumOf(lost.map(({ missed }) => missed)), tenants: lost });
  }

  private onReset({ tenant_id, reason }: ResetFrame): void {
    this.onGap({ missed: null, tenants: [{ tenant_id, missed: null, reason }] });
  }

  /** Gaps add up until `dismissGap`. */
  private onGap(gap: Gap): void {
    for (const { tenant_id } of gap.tenants) this.heard.forget(tenant_id);
    const before = this.current.gap;
    const others =
      before?.tenants.filter(({ tenant_id }) => !gap.tenants.some((tenant) => tenant.tenant_id === tenant_id)) ?? [];
    const tenants = [...others, ...gap.tenants.map(({ tenant_id, missed, reason }) => ({ tenant_id, missed, reason }))];
    this.patch({ gap: { missed: sumOf([...(before ? [before.missed] : []), gap.missed]), tenants } });
    this.listeners.tell('gap', gap, { replayed: false, notify: false, cursor: this.position });
  }

  /**
   * A following tab sets its own timeout, for the case that the leading tab falls silent. The system may suspend that
   * tab in any state, and one that is alive replies whatever its state is.
   */
  private watchLeader(): void {
    clearTimeout(this.timer);
    const { state, heartbeatMs } = this.current;
    if (state === 'closed' || state === 'signed_out' || state === 'forbidden') return;
    this.timer = setTimeout(() => {
      if (!this.shared || this.shared.isLeader) return;
      // the other states do not claim that entries arrive
      if (state === 'live' || state === 'catching_up') this.patch({ state: 'stale', reason: 'silent' });
      this.shared.rejoin();
    }, STALE_PERIODS * heartbeatMs);
  }

  private patch(patch: Partial<StreamStatus>): void {
    const changed = Object.entries(patch).some(([key, value]) => this.current[key as keyof StreamStatus] !== value);
    if (!changed) return;
    const since = patch.state !== undefined && patch.state !== this.current.state ? Date.now() : this.current.since;
    this.current = Object.freeze({ ...this.current, since, ...patch, ...(since !== this.current.since && { since }) });
    for (const listener of [...this.statusListeners]) listener();
  }
}

/** Makes a stream that is not open yet: `createAlertStream({ token }).open()`. */
export const createAlertStream = (options: AlertStreamOptions): AlertStream => new AlertStream(options);

const isEntry = (event: string): event is 'inventory_alert' | 'notification' | 'alert_update' =>
  event === 'inventory_alert' || event === 'notification' || event === 'alert_update';

/** Events that this version does not know, from a newer server, are ignored. */
const isOurs = (frame: SseFrame): frame is SseFrame & { data: string } =>
  frame.data !== null && (STREAM_EVENTS as readonly string[]).includes(frame.event);

const sumOf = (missed: readonly (number | null)[]): number | null =>
  missed.includes(null) ? null : missed.reduce<number>((sum, one) => sum + one!, 0);
