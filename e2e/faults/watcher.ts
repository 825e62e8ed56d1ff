import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { readCursor, type Transcript } from '../kit/ledger';
import { SseClient, type Frame } from '../kit/sse-client';
import { tokenFor } from '../kit/tokens';

/** How soon a watcher reconnects: sooner than a browser, so that faults meet more joins. */
const RETURN_MS = 100;

/**
 * A client that works like an EventSource: whenever its stream ends, it reconnects with its cursor to the next gateway.
 */
export class Watcher {
  /** The times between the end of a stream and the next connection, in milliseconds. */
  readonly absencesMs: number[] = [];
  private readonly client: SseClient;
  private running: Promise<void> | undefined;
  private stopping = false;
  private turn: number;

  /**
   * `urls` returns the addresses of event streams, and is called at each connect; `first` is the index of the first
   * address.
   */
  constructor(
    readonly user: string,
    readonly tenants: readonly string[],
    private readonly urls: () => readonly string[],
    first = 0,
  ) {
    this.turn = first;
    this.client = new SseClient(user, { headers: { Authorization: `Bearer ${tokenFor(user)}` } });
  }

  /** Resolves once the watcher is connected, and keeps it connected. */
  async start(): Promise<this> {
    await this.client.connect(this.nextUrl());
    this.running = this.stayConnected();
    return this;
  }

  get connected(): boolean {
    return this.client.current !== undefined;
  }

  get connections(): number {
    return this.client.connections;
  }

  get frames(): Frame[] {
    return this.client.frames;
  }

  get entries(): Frame[] {
    return this.client.entries;
  }

  get faults(): string[] {
    return this.client.faults;
  }

  /** The longest time between two entries in a row, from one time (`performance.now()`) to another, in milliseconds. */
  longestSilenceMs(from: number, to: number): number {
    const times = this.entries.map(({ receivedAt }) => receivedAt).filter((at) => at >= from && at <= to);
    return Math.max(...[from, ...times].map((at, i) => (times[i] ?? to) - at));
  }

  /** The last number that it has of a tenant. */
  seqOf(tenant: string): number {
    const last = this.frames.findLast(({ id }) => id !== undefined);
    return last
      ? (readCursor(last.id!, this.tenants[0]!).find((component) => component.tenant === tenant)?.seq ?? 0)
      : 0;
  }

  transcript(): Transcript {
    return { client: this.user, tenants: this.tenants, frames: this.frames, connectedAtTheEnd: this.connected };
  }

  /** Disconnects for good. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.client.disconnect();
    await this.running;
  }

  private nextUrl(): string {
    const urls = this.urls();
    return urls[this.turn++ % urls.length]!;
  }

  private async stayConnected(): Promise<void> {
    while (!this.stopping) {
      await this.client.current?.ended;
      const leftAt = performance.now();
      while (!this.stopping) {
        this.client.disconnect();
        await sleep(RETURN_MS);
        const back = await this.client.connect(this.nextUrl()).then(
          () => true,
          () => false,
        );
        if (!back) continue;
        this.absencesMs.push(performance.now() - leftAt);
        break;
      }
    }
    this.client.disconnect();
  }
}

/** The longest time in which one of them received nothing, between two times of `performance.now()`, in seconds. */
export const longestSilenceS = (watchers: readonly Watcher[], from: number, to: number): number =>
  Math.max(...watchers.map((watcher) => watcher.longestSilenceMs(from, to))) / 1_000;

/** Resolves when each of them has received an alert that the load publishes after this call. */
export async function delivering(watchers: readonly Watcher[], load: { published: readonly unknown[] }): Promise<void> {
  const from = load.published.length;
  const numberOf = (data: string) => Number((JSON.parse(data) as { event_id: string }).event_id.slice(2));
  await eventually(() => {
    for (const { entries } of watchers) expect(entries.some(({ data }) => numberOf(data) >= from)).toBe(true);
  }, 60_000);
}
