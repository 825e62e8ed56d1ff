import { earliest } from '../stream/position';
import type { StreamStatus } from '../stream/status';
import type { Told } from '../stream/told';
import { RecentEntries } from './recent-entries';
import { TabLock } from './tab-lock';

/** The messages between the tabs of a user. They never carry a credential. */
type Message =
  /** A tab announces itself and how far it has heard. */
  | { kind: 'hello'; tab: string; cursor: string | null; visible: boolean }
  /** A tab has taken the connection over and asks the others to announce themselves. */
  | { kind: 'leading' }
  /** To one tab: the frames that it missed. From now on it hears everything. */
  | { kind: 'welcome'; to: string; told: Told[]; cursor: string; status: StreamStatus }
  /** To one tab: the leading tab no longer keeps the frames that it missed. */
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
  /** Called with the frames that the leading tab received. `toasts`: whether this tab is the one that toasts. */
  hear(told: readonly Told[], toasts: boolean): void;
  /** Called when this tab has heard everything that the leading tab has, of these tenants. */
  level(cursor: string, tenants: readonly string[]): void;
  followStatus(status: StreamStatus): void;
  /** Called when this tab must get what it missed over its own connection. Call `rejoin` when it has caught up. */
  catchUpAlone(): void;
  reconnect(): void;
  /** Called when another tab has taken the lead over, because this one was silent. It must ask to `lead` again. */
  deposed(): void;
}

/** How long a tab that takes over waits for the cursors of the other tabs. */
const ROLL_CALL_MS = 150;
/** A tab that got no welcome asks again after this time: the leading tab may be busy or gone. */
const ASK_AGAIN_MS = 2_000;
/**
 * After so many questions without any message of the leading tab, a visible tab takes over. The system may have
 * suspended the page of the leading tab, as phones do in the background, and a suspended page keeps its lock.
 */
const MAX_UNANSWERED = 3;

/** What only the leading tab says. */
const SAID_BY_LEADER: ReadonlySet<Message['kind']> = new Set([
  'leading',
  'welcome',
  'too_far_behind',
  'told',
  'status',
]);

const isVisible = (): boolean => globalThis.document?.visibilityState === 'visible';

/**
 * One connection for all tabs of a user. The tab that has the lock leads: it opens the connection and passes what it
 * hears to the others. A tab that takes over resumes at the lowest cursor of all tabs, so no tab misses anything; each
 * tab drops what it has heard already, so no tab hears anything twice. While the leading tab says nothing, a visible
 * tab takes over.
 */
export class SharedFeed {
  private readonly tab = crypto.randomUUID();
  private readonly channel: BroadcastChannel;
  private readonly lock: TabLock;
  private readonly recent = new RecentEntries();
  /** The other tabs that have announced themselves: whether each is visible, and when it last said so. */
  private readonly others = new Map<string, { visible: boolean; since: number }>();
  /** The cursors that the tabs have sent since this tab took over; null when it is not collecting them. */
  private roll: (string | null)[] | null = null;
  private welcomed = false;
  /** Set while this tab has sent `hello` and got no reply. */
  private asking: ReturnType<typeof setTimeout> | undefined;
  /** How often this tab has asked since the leading tab last said anything. */
  private unanswered = 0;

  constructor(
    name: string,
    private readonly owner: SharedFeedOwner,
  ) {
    this.channel = new BroadcastChannel(name);
    this.lock = new TabLock(name, () => {
      this.welcomed = false;
      this.owner.deposed();
    });
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => this.hear(data);
    globalThis.document?.addEventListener('visibilitychange', this.sayVisible);
  }

  get isLeader(): boolean {
    return this.lock.isHeld;
  }

  /**
   * Resolves when this tab leads, to the lowest cursor of all tabs. Until then this tab follows. Rejects when `signal`
   * is aborted.
   */
  async lead(signal: AbortSignal): Promise<string | null> {
    if (this.lock.isHeld) return this.owner.cursor;
    this.sayHello();
    const { atOnce } = await this.lock.hold(signal);
    this.stopAsking();
    this.unanswered = 0;
    this.roll = [];
    this.others.clear();
    this.post({ kind: 'leading' });
    // if the lock was free, there is no other tab to wait for
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

  /** For the leading tab: hears the frames itself and passes them to the other tabs. */
  tell(told: readonly Told[]): void {
    for (const one of told) this.recent.add(one);
    const toaster = this.toaster();
    this.post({ kind: 'told', told: [...told], toaster });
    this.owner.hear(told, toaster === this.tab);
  }

  tellStatus(status: StreamStatus): void {
    if (this.isLeader) this.post({ kind: 'status', status });
  }

  /** Follows the leading tab again: after this tab has caught up over its own connection, or after a silence. */
  rejoin(): void {
    this.sayHello();
  }

  /** Asks the leading tab to reconnect at once. */
  askToReconnect(): void {
    this.post({ kind: 'reconnect' });
  }

  /** Tells the other tabs that this tab is going, so that it is no longer chosen to toast. */
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
      // the channel was closed meanwhile
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
    this.asking = setTimeout(() => {
      this.unanswered += 1;
      if (this.unanswered >= MAX_UNANSWERED && isVisible()) this.lock.steal();
      this.sayHello();
    }, ASK_AGAIN_MS);
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
    // this tab is not connected yet; the other tab asks again
    if (cursor === null) return this.tellStatus(status);
    const lacks = message.cursor === null || message.cursor === cursor ? [] : this.recent.since(message.cursor);
    this.post(
      lacks
        ? { kind: 'welcome', to: message.tab, told: lacks, cursor, status }
        : { kind: 'too_far_behind', to: message.tab },
    );
  }

  private hearAsFollower(message: Message): void {
    if (SAID_BY_LEADER.has(message.kind)) this.unanswered = 0;
    switch (message.kind) {
      case 'leading':
        // this tab still waits for the lock, and the new leading tab collects cursors
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
        // the welcome contains all frames from before it
        if (this.welcomed) this.owner.hear(message.told, message.toaster === this.tab);
        break;
      case 'status':
        this.owner.followStatus(message.status);
        // the leading tab can reply from now on
        if (this.asking && message.status.state === 'live') this.sayHello();
        break;
    }
  }

  /**
   * The id of the tab that toasts: the leading tab if it is visible, else the tab that became visible last, else the
   * leading tab.
   */
  private toaster(): string {
    if (isVisible()) return this.tab;
    const seen = [...this.others].filter(([, { visible }]) => visible).sort(([, a], [, b]) => b.since - a.since);
    return seen[0]?.[0] ?? this.tab;
  }
}
