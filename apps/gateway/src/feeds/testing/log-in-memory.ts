import { randomBytes } from 'node:crypto';
import {
  entryPasses,
  Unavailable,
  type LogPosition,
  type StoredEvent,
  type StreamFilter,
  type StreamHead,
  type TenantId,
} from '@tocsin/contracts';
import { EventLog, MAX_SEARCHED, type AppendResult, type NewestEntries } from '@tocsin/contracts/ports';
import { anEntry } from '@tocsin/contracts/testing';
import type { Entry } from '@tocsin/contracts';

interface Stream {
  epoch: string;
  floor: number;
  events: StoredEvent[];
}

/** An event log that a test fills, breaks, pauses and restores. It stores nothing that a processor would send to it. */
export class LogInMemory extends EventLog {
  readonly streams = new Map<string, Stream>();
  /** How often each method was called. */
  readonly asked = { after: 0, heads: 0 };
  away = false;
  searched = MAX_SEARCHED;
  private gate: Promise<void> = Promise.resolve();
  private freePages = 0;

  /** Appends `count` entries and returns them. */
  put(tenant: TenantId, count = 1, overrides: Partial<Entry> = {}): StoredEvent[] {
    const stream = this.stream(tenant);
    return Array.from({ length: count }, () => {
      const seq = stream.events.length + 1;
      const event = {
        epoch: stream.epoch,
        seq,
        fp: randomBytes(4).toString('hex'),
        prev_fp: stream.events.at(-1)?.fp ?? '0',
        entry: anEntry({ tenant_id: tenant, seq, ...overrides }),
      };
      stream.events.push(event);
      return event;
    });
  }

  /** Restores the event log as it was at `seq`, as from a backup: the same epoch, with other entries from there on. */
  restore(tenant: TenantId, seq: number): void {
    this.stream(tenant).events.length = seq;
  }

  deleteBelow(tenant: TenantId, floor: number): void {
    this.stream(tenant).floor = floor;
  }

  /** Delays every read, except for the next `pages` reads of entries, until the returned function is called. */
  pause(pages = 0): () => void {
    let go!: () => void;
    this.gate = new Promise((resolve) => (go = resolve));
    this.freePages = pages;
    return go;
  }

  stored(tenant: TenantId, seq: number): StoredEvent {
    return this.stream(tenant).events[seq - 1]!;
  }

  position(tenant: TenantId, seq: number): LogPosition {
    const { epoch, events } = this.stream(tenant);
    return { epoch, seq, fp: seq === 0 ? '0' : events[seq - 1]!.fp };
  }

  async after(tenant: TenantId, seq: number, limit: number): Promise<StoredEvent[]> {
    this.asked.after += 1;
    if (this.freePages > 0) this.freePages -= 1;
    else await this.answer();
    const { events, floor } = this.stream(tenant);
    return events.filter((event) => event.seq > seq && event.seq >= floor).slice(0, limit);
  }

  async heads(tenants: readonly TenantId[]): Promise<StreamHead[]> {
    this.asked.heads += 1;
    await this.answer();
    return tenants.map((tenant) => ({
      tenant_id: tenant,
      ...this.position(tenant, this.stream(tenant).events.length),
      floor_seq: this.stream(tenant).floor,
    }));
  }

  async newest(tenant: TenantId, count: number, filter: StreamFilter): Promise<NewestEntries> {
    await this.answer();
    const { events, floor } = this.stream(tenant);
    const looked = events.slice(floor).slice(-this.searched);
    const passing = looked.filter(({ entry }) => entryPasses(filter, entry)).slice(count === 0 ? Infinity : -count);
    const upTo = this.position(tenant, events.length);
    const from = passing[0] ? this.position(tenant, passing[0].seq - 1) : upTo;
    return {
      events: passing,
      from,
      upTo,
      searched: passing.length < count && looked.length < events.length - floor ? this.searched : null,
    };
  }

  async startOf(tenant: TenantId): Promise<LogPosition> {
    await this.answer();
    return this.position(tenant, 0);
  }

  append(): Promise<AppendResult[]> {
    return Promise.reject(new Error('use put'));
  }

  appendFolded(): Promise<never> {
    throw new Error('not of a gateway');
  }

  check(): Promise<void> {
    return Promise.resolve();
  }
  bury(): Promise<void> {
    return Promise.reject(new Error('nothing is buried here'));
  }

  private stream(tenant: TenantId): Stream {
    let stream = this.streams.get(tenant);
    if (!stream) this.streams.set(tenant, (stream = { epoch: randomBytes(5).toString('hex'), floor: 0, events: [] }));
    return stream;
  }

  private async answer(): Promise<void> {
    await this.gate;
    if (this.away) throw new Unavailable('log', 'away');
  }
}
