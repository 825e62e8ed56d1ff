import type { TenantId } from './tenant';

/** What streams are counted by. */
const SLOT_SCOPES = ['user', 'tenant', 'address'] as const;
export type SlotScope = (typeof SLOT_SCOPES)[number];

/** One stream, as caps see it. The object stands for the stream: another one with the same content is another stream. */
export interface StreamHolder {
  /** Who has it: a name that is one person's among the users of all issuers. */
  readonly user: string;
  /** A stream of several tenants takes a slot of each. */
  readonly tenant_ids: readonly TenantId[];
  /** Where the client is, as far as addresses tell clients apart. */
  readonly address: string;
}

/** How many streams one user, one tenant and one address may have open, on all gateways together. 0: any number. */
export type StreamLimits = Readonly<Record<SlotScope, number>>;

/** A place that a stream takes, and how many there are of it. */
export interface StreamSlot {
  readonly scope: SlotScope;
  /** Names whose place it is: `user:42`, `tenant:acme`. */
  readonly key: string;
  readonly limit: number;
}

/** The slots that a stream needs, in the order in which they are asked for. A scope without a cap is not counted. */
export function slotsOf({ user, tenant_ids, address }: StreamHolder, limits: StreamLimits): readonly StreamSlot[] {
  const names: Record<SlotScope, Iterable<string>> = { user: [user], tenant: new Set(tenant_ids), address: [address] };
  return SLOT_SCOPES.filter((scope) => limits[scope] > 0).flatMap((scope) =>
    Array.from(names[scope], (name) => ({ scope, key: `${scope}:${name}`, limit: limits[scope] })),
  );
}

/** The streams that one process holds, and how many of them each slot has. */
export class HeldStreams {
  private readonly holders = new Map<StreamHolder, readonly StreamSlot[]>();
  private readonly counts = new Map<string, number>();

  get size(): number {
    return this.holders.size;
  }

  has(holder: StreamHolder): boolean {
    return this.holders.has(holder);
  }

  countOf(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  /** Every slot that somebody holds. */
  keys(): IterableIterator<string> {
    return this.counts.keys();
  }

  /** The first scope in which nothing is free; undefined when all have room. */
  fullScope(slots: readonly StreamSlot[]): SlotScope | undefined {
    return slots.find(({ key, limit }) => this.countOf(key) >= limit)?.scope;
  }

  /** Counts a stream, however full its slots are. Once, however often it is called. */
  add(holder: StreamHolder, slots: readonly StreamSlot[]): void {
    if (this.holders.has(holder)) return;
    this.holders.set(holder, slots);
    for (const { key } of slots) this.counts.set(key, this.countOf(key) + 1);
  }

  /** Counts a stream no longer, and says which slots it had; none when it was not counted. */
  remove(holder: StreamHolder): readonly StreamSlot[] {
    const slots = this.holders.get(holder) ?? [];
    this.holders.delete(holder);
    for (const { key } of slots) {
      const left = this.countOf(key) - 1;
      if (left > 0) this.counts.set(key, left);
      else this.counts.delete(key);
    }
    return slots;
  }
}
