import type { TenantId } from './tenant';

/** The scopes in which streams are counted. */
export const SLOT_SCOPES = ['user', 'tenant', 'address'] as const;
export type SlotScope = (typeof SLOT_SCOPES)[number];

/**
 * One stream, as caps see it. The object identifies the stream: another object with the same content is another stream.
 */
export interface StreamHolder {
  /** The user, under a name that is unique among the users of all issuers. */
  readonly user: string;
  /** A stream of several tenants takes a slot of each. */
  readonly tenant_ids: readonly TenantId[];
  /** The client's address, as far as addresses distinguish clients. */
  readonly address: string;
}

/** How many streams one user, one tenant and one address may have open, on all gateways together. 0: no limit. */
export type StreamLimits = Readonly<Record<SlotScope, number>>;

/** A slot that a stream takes, and how many of this slot there are. */
export interface StreamSlot {
  readonly scope: SlotScope;
  /** The owner of the slot: `user:42`, `tenant:acme`. */
  readonly key: string;
  readonly limit: number;
}

/** The slots that a stream needs, in the order in which they are checked. A scope without a cap is not counted. */
export function slotsOf({ user, tenant_ids, address }: StreamHolder, limits: StreamLimits): readonly StreamSlot[] {
  const names: Record<SlotScope, Iterable<string>> = { user: [user], tenant: new Set(tenant_ids), address: [address] };
  return SLOT_SCOPES.filter((scope) => limits[scope] > 0).flatMap((scope) =>
    Array.from(names[scope], (name) => ({ scope, key: `${scope}:${name}`, limit: limits[scope] })),
  );
}

/** The open streams of one process, and the number of them in each slot. */
export class HeldStreams {
  /** The caps under which each stream was counted. Its slots follow from both and would take most of the memory. */
  private readonly holders = new Map<StreamHolder, StreamLimits>();
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

  /** Every slot that at least one stream has taken. */
  keys(): IterableIterator<string> {
    return this.counts.keys();
  }

  /** The first scope without a free slot; undefined when all have one. */
  fullScope(slots: readonly StreamSlot[]): SlotScope | undefined {
    return slots.find(({ key, limit }) => this.countOf(key) >= limit)?.scope;
  }

  /** Counts a stream, even if its slots are full. Repeated calls count it once. */
  add(holder: StreamHolder, limits: StreamLimits): void {
    if (this.holders.has(holder)) return;
    this.holders.set(holder, limits);
    for (const { key } of slotsOf(holder, limits)) this.counts.set(key, this.countOf(key) + 1);
  }

  /** Stops counting a stream and returns its slots; none when it was not counted. */
  remove(holder: StreamHolder): readonly StreamSlot[] {
    const limits = this.holders.get(holder);
    const slots = limits ? slotsOf(holder, limits) : [];
    this.holders.delete(holder);
    for (const { key } of slots) {
      const left = this.countOf(key) - 1;
      if (left > 0) this.counts.set(key, left);
      else this.counts.delete(key);
    }
    return slots;
  }
}
