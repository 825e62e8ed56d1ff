import { setTimeout as sleep } from 'node:timers/promises';
import { readCursor, type Transcript } from '../kit/ledger';
import { SseClient, type Frame } from '../kit/sse-client';
import { tokenFor } from '../kit/tokens';

/** How soon a watcher comes back: sooner than a browser, so that faults meet more joins. */
const RETURN_MS = 100;

/** A client that does what an EventSource does: it comes back with its cursor whenever its stream ends, to the next gateway. */
export class Watcher {
  /** When it was back after its stream had ended, in milliseconds of absence. */
  readonly absencesMs: number[] = [];
  private readonly client: SseClient;
  private running: Promise<void> | undefined;
  private stopping = false;
  private turn: number;

  /** `urls` are the addresses of event streams, asked for anew at each connect; `first` is the place of the first among them. */
  constructor(
    readonly user: string,
    readonly tenants: readonly string[],
    private readonly urls: () => readonly string[],
    first = 0,
  ) {
    this.turn = first;
    this.client = new SseClient(user, { headers: { Authorization: `Bearer ${tokenFor(user)}` } });
  }

  /** Resolves once it is connected, and keeps it so. */
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

  /** The number that it has of a tenant. */
  seqOf(tenant: string): number {
    const last = this.frames.findLast(({ id }) => id !== undefined);
    return last
      ? (readCursor(last.id!, this.tenants[0]!).find((component) => component.tenant === tenant)?.seq ?? 0)
      : 0;
  }

  transcript(): Transcript {
    return { client: this.user, tenants: this.tenants, frames: this.frames, connectedAtTheEnd: this.connected };
  }

  /** Leaves for good. */
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
