import { alertsScreens, type Alert, type Entry } from '@tocsin/contracts/wire';
import type { AlertStream } from '../alert-stream';
import type { Gap } from '../stream/status';
import type { AlertsApi } from './alerts-api';

/** An immutable snapshot: a new object whenever a value in it changes. */
export interface SeenState {
  /** The seen position by tenant, as the server keeps it for all devices; null: it is not known yet. */
  positions: ReadonlyMap<string, number> | null;
  /** The alerts that were looked at here since the page was loaded, and have not rung again. */
  looked: ReadonlySet<string>;
}

const UNKNOWN: SeenState = Object.freeze({ positions: null, looked: new Set<string>() });

/** Which alerts the user has seen. Components of one page share it, so that they agree. */
export class SeenAlerts {
  private state = UNKNOWN;
  private asking = false;
  /** Whether all was seen before the stream had a position to tell. */
  private tellsSeen = false;
  /** How often a log was replaced: answers from before that count for nothing. */
  private replacements = 0;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly api: AlertsApi,
    private readonly stream: AlertStream,
    /** Whether the stream tells a part of the entries only. Its position then says nothing of the others. */
    private readonly isFiltered: boolean,
  ) {}

  static readonly unknown = (): SeenState => UNKNOWN;

  readonly getSnapshot = (): SeenState => this.state;

  /** Calls back when the state changes, and loads it for the first one. Returns a function that unsubscribes. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    this.ask();
    return () => void this.listeners.delete(listener);
  };

  /** Follows the stream. Returns a function that unsubscribes. */
  attach(): () => void {
    const ends = [
      this.stream.on('entry', (entry) => this.hear(entry)),
      this.stream.on('connection', () => {
        this.ask();
        if (this.tellsSeen) void this.seeAll();
      }),
      this.stream.on('gap', (gap) => this.noteGap(gap)),
    ];
    return () => ends.forEach((end) => end());
  }

  /** Whether an alert is firing and the user has not seen it; false as long as that is not known. */
  isUnseen({ positions, looked }: SeenState, alert: Alert): boolean {
    return (
      positions !== null &&
      alert.status === 'firing' &&
      !looked.has(alert.alert_id) &&
      alert.last_seq > (positions.get(alert.tenant_id) ?? 0)
    );
  }

  /** Marks alerts as seen in this page. */
  see(alertIds: readonly string[]): void {
    const { looked } = this.state;
    if (alertIds.every((alertId) => looked.has(alertId))) return;
    this.show({ looked: new Set([...looked, ...alertIds]) });
  }

  /**
   * Marks everything up to now as seen, on every device of the user. A filtered stream does nothing: it does not know
   * what it leaves out. A stream without a position yet does it at its first connection. Never rejects: a position that
   * could not be stored is stored the next time.
   */
  async seeAll(): Promise<void> {
    if (this.isFiltered) return;
    const { cursor } = this.stream;
    this.tellsSeen = cursor === null;
    if (cursor === null) return;
    const { replacements } = this;
    try {
      const seen = await this.api.markSeen(cursor);
      if (replacements === this.replacements) this.take(seen);
    } catch {
      // `see` has marked what was shown here
    }
  }

  private hear(entry: Entry): void {
    if (!alertsScreens(entry) || !this.state.looked.has(entry.alert_id)) return;
    this.show({ looked: new Set([...this.state.looked].filter((one) => one !== entry.alert_id)) });
  }

  private ask(): void {
    if (this.asking || this.state.positions !== null || this.listeners.size === 0) return;
    this.asking = true;
    const { replacements } = this;
    this.api
      .seen()
      .then(
        (seen) => replacements === this.replacements && this.take(seen),
        () => undefined, // asked again at the next connection
      )
      .finally(() => {
        this.asking = false;
        if (replacements !== this.replacements) this.ask();
      });
  }

  /** A log that was restored counts from the beginning again: its old position would hide what is new. */
  private noteGap({ tenants }: Gap): void {
    const replaced = tenants.filter(({ reason }) => reason === 'history_replaced').map(({ tenant_id }) => tenant_id);
    if (replaced.length === 0) return;
    this.replacements += 1;
    const { positions } = this.state;
    if (positions) this.show({ positions: new Map([...positions].filter(([tenant]) => !replaced.includes(tenant))) });
  }

  private take({ tenants }: { tenants: readonly { tenant_id: string; seq: number }[] }): void {
    this.show({ positions: new Map(tenants.map(({ tenant_id, seq }) => [tenant_id, seq])) });
  }

  private show(patch: Partial<SeenState>): void {
    this.state = Object.freeze({ ...this.state, ...patch });
    for (const listener of [...this.listeners]) listener();
  }
}
