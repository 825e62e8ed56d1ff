import { earliest } from '../stream/position';
import type { StreamStatus } from '../stream/status';
import type { Told } from '../stream/told';
import { RecentEntries } from './recent-entries';
import { TabLock } from './tab-lock';

/** What the tabs of a user say to each other. No credential is ever among it. */
type Message =
  /** A tab that is there, and how far it has heard. */
  | { kind: 'hello'; tab: string; cursor: string | null; visible: boolean }
  /** A tab that has taken the connection over, and asks who is there. */
  | { kind: 'leading' }
  /** To one tab: what it lacks, and from here on it hears all. */
  | { kind: 'welcome'; to: string; told: Told[]; cursor: string; status: StreamStatus }
  /** To one tab: what it lacks is not kept here. */
  | { kind: 'too_far_behind'; to: string }
  | { kind: 'told'; told: Told[]; toaster: string }
  | { kind: 'status'; status: StreamStatus }
  | { kind: 'visible'; tab: string; visible: boolean }
  | { kind: 'bye'; tab: string }
  | { kind: 'reconnect' };

export interface SharedFeedOwner {
  /** How far this tab has heard. */
  readonly cursor: string | null;
  readonly status: StreamStatus;
  /** What the leading tab was told. `toasts`: this tab is the one to toast. */
  hear(told: readonly Told[], toasts: boolean): void;
  /** This tab has heard all that the leading one has, of these tenants. */
  level(cursor: string, tenants: readonly string[]): void;
  followStatus(status: StreamStatus): void;
  /** What this tab lacks must come over a connection of its own; `rejoin` when it has. */
  catchUpAlone(): void;
  reconnect(): void;
}

/** How long a tab that takes over waits for the others to say how far they are. */
const ROLL_CALL_MS = 150;
/** A tab that nobody welcomes asks again: the leading one may be busy, or gone. */
const ASK_AGAIN_MS = 2_000;

const isVisible = (): boolean => globalThis.document?.visibilityState === 'visible';

/**
 * One connection for the tabs of a user. The one that holds the lock leads: it has the connection and tells the others what it
 * hears. Who takes over starts where the last of them stands, so nobody misses anything; each drops what it has heard already,
 * so nobody hears anything twice.
 */
export class SharedFeed {
  private readonly tab = crypto.randomUUID();
  private readonly channel: BroadcastChannel;
  private readonly lock: TabLock;
  private readonly recent = new RecentEntries();
  /** The other tabs, as far as they have said so: whether they are seen, and since when. */
  private readonly others = new Map<string, { visible: boolean; since: number }>();
  /** Cursors of a roll call under way. */
  private roll: (string | null)[] | null = null;
  private welcomed = false;
  /** Pending while this tab has said hello and was not answered. */
  private asking: ReturnType<typeof setTimeout> | undefined;

  constructor(
    name: string,
    private readonly owner: SharedFeedOwner,
  ) {
    this.channel = new BroadcastChannel(name);
    this.lock = new TabLock(name);
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => this.hear(data);
    globalThis.document?.addEventListener('visibilitychange', this.sayVisible);
  }

  get isLeader(): boolean {
    return this.lock.isHeld;
  }

  /** Resolves when this tab leads, to the cursor from which nobody misses anything. Meanwhile it follows. Rejects when `signal` is aborted. */
  async lead(signal: AbortSignal): Promise<string | null> {
    if (this.lock.isHeld) return this.owner.cursor;
    this.sayHello();
    const { atOnce } = await this.lock.hold(signal);
    this.stopAsking();
    this.roll = [];
    this.others.clear();
    this.post({ kind: 'leading' });
    // nobody was before us: there is nobody to wait for
    if (!atOnce) await new Promise((resolve) => setTimeout(resolve, ROLL_CALL_MS));
    const roll = this.roll ?? [];
    this.roll = null;
    return roll.reduce<string | null>(
      (first, cursor) => (first !== null && cursor !== null ? (earliest(first, cursor) ?? first) : (first ?? cursor)),
      this.owner.cursor,
    );
  }

  /** Lets another tab lead, and follows it. */
  resign(): void {
    this.stopAsking();
    this.lock.resign();
    this.welcomed = false;
  }

  /** As the leading tab: hears it, and tells the others. */
  tell(told: readonly Told[]): void {
    for (const one of told) this.recent.add(one);
    const toaster = this.toaster();
    this.post({ kind: 'told', told: [...told], toaster });
    this.owner.hear(told, toaster === this.tab);
  }

  tellStatus(status: StreamStatus): void {
    if (this.isLeader) this.post({ kind: 'status', status });
  }

  /** After having caught up alone. */
  rejoin(): void {
    this.sayHello();
  }

  /** Asks the leading tab to try at once. */
  askToReconnect(): void {
    this.post({ kind: 'reconnect' });
  }

  /** This tab toasts nothing any more. */
  sayBye(): void {
    this.post({ kind: 'bye', tab: this.tab });
  }

  stop(): void {
    this.stopAsking();
    globalThis.document?.removeEventListener('visibilitychange', this.sayVisible);
    this.sayBye();
    this.lock.resign();
    this.channel.close();
  }

  private post(message: Message): void {
    try {
      this.channel.postMessage(message);
    } catch {
      // closed meanwhile: there is nobody to tell
    }
  }

  private readonly sayVisible = (): void => this.post({ kind: 'visible', tab: this.tab, visible: isVisible() });

  private stopAsking(): void {
    clearTimeout(this.asking);
    this.asking = undefined;
  }

  private readonly sayHello = (): void => {
    clearTimeout(this.asking);
    this.post({ kind: 'hello', tab: this.tab, cursor: this.owner.cursor, visible: isVisible() });
    this.asking = setTimeout(this.sayHello, ASK_AGAIN_MS);
  };

  private hear(message: Message): void {
    if (message.kind === 'hello' || message.kind === 'visible')
      this.others.set(message.tab, { visible: message.visible, since: Date.now() });
    if (message.kind === 'bye') this.others.delete(message.tab);
    if (this.isLeader) this.hearAsLeader(message);
    else this.hearAsFollower(message);
  }

  private hearAsLeader(message: Message): void {
    if (message.kind === 'reconnect') this.owner.reconnect();
    if (message.kind !== 'hello') return;
    if (this.roll) return void this.roll.push(message.cursor);
    const { cursor, status } = this.owner;
    // not yet connected: it asks again
    if (cursor === null) return this.tellStatus(status);
    const lacks = message.cursor === null || message.cursor === cursor ? [] : this.recent.since(message.cursor);
    this.post(
      lacks
        ? { kind: 'welcome', to: message.tab, told: lacks, cursor, status }
        : { kind: 'too_far_behind', to: message.tab },
    );
  }

  private hearAsFollower(message: Message): void {
    switch (message.kind) {
      case 'leading':
        // still at the lock: the others of us are being counted
        this.post({ kind: 'hello', tab: this.tab, cursor: this.owner.cursor, visible: isVisible() });
        break;
      case 'welcome':
        if (message.to !== this.tab) return;
        this.stopAsking();
        this.welcomed = true;
        this.owner.hear(
          message.told.map((told) => ({ ...told, toastable: false })),
          false,
        );
        this.owner.followStatus(message.status);
        this.owner.level(
          message.cursor,
          message.status.tenants.map(({ tenant_id }) => tenant_id),
        );
        break;
      case 'too_far_behind':
        if (message.to !== this.tab) return;
        this.stopAsking();
        this.owner.catchUpAlone();
        break;
      case 'told':
        // what comes before the welcome is in it
        if (this.welcomed) this.owner.hear(message.told, message.toaster === this.tab);
        break;
      case 'status':
        this.owner.followStatus(message.status);
        // it can answer from now on
        if (this.asking && message.status.state === 'live') this.sayHello();
        break;
    }
  }

  /** The tab that is to toast: the leading one if it is seen, else the one that was seen last, else the leading one. */
  private toaster(): string {
    if (isVisible()) return this.tab;
    const seen = [...this.others].filter(([, { visible }]) => visible).sort(([, a], [, b]) => b.since - a.since);
    return seen[0]?.[0] ?? this.tab;
  }
}
