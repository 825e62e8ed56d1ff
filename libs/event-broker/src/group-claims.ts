import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, HandlerFailure } from './delivery';
import type { AbandonedClaim, EventProvider } from './event-provider';

/** How often abandoned claims are looked for, as a share of the lease. */
const SWEEPS_A_LEASE = 4;

export interface GroupClaimsOptions {
  provider: EventProvider;
  instanceId: string;
  leaseMs: number;
  /** The groups of which this instance has a subscription. */
  groups: () => readonly string[];
  /** Handles what another instance has left. Resolves when there was room for it. */
  takeOver: (claim: AbandonedClaim) => Promise<void>;
  onTrouble: (error: unknown) => void;
}

/**
 * Of the instances of a group one handles each event: the one that claims it. A claim lasts for a lease, which each
 * attempt renews. What an instance that was killed had claimed is found when its lease is over, and handled by another.
 */
export class GroupClaims {
  private readonly stopping = new AbortController();
  private sweeping: Promise<void> = Promise.resolve();
  /** What this instance has claimed, by event and group. The provider knows instances, and not their deliveries. */
  private readonly inHand = new Map<string, Delivery>();

  constructor(private readonly options: GroupClaimsOptions) {}

  start(): void {
    this.sweeping = this.sweep();
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.sweeping;
  }

  /** Whether this delivery handles the event for the group: no other of this instance does, and no other instance. */
  async take(delivery: Delivery, group: string): Promise<boolean> {
    const { provider, instanceId, leaseMs } = this.options;
    const { id } = delivery.event;
    const key = keyOf(id, group);
    const isRenewed = this.inHand.get(key) === delivery;
    if (!isRenewed && this.inHand.has(key)) return false;
    this.inHand.set(key, delivery);
    let isMine = isRenewed;
    try {
      isMine = await provider.claim({ id, group, claimant: instanceId }, leaseMs);
      return isMine;
    } finally {
      if (!isMine) this.inHand.delete(key);
    }
  }

  /** After an attempt: a group is done with the event unless one of its handlers has failed. */
  completed(delivery: Delivery, taken: ReadonlySet<string>, failures: readonly HandlerFailure[]): Promise<void> {
    const failed = new Set(failures.map(({ subscription }) => subscription.group));
    return this.settle(
      delivery,
      [...taken].filter((group) => !failed.has(group)),
      'completed',
    );
  }

  /** After the last attempt: the groups of these handlers have given the event up. */
  failed(delivery: Delivery, failures: readonly HandlerFailure[]): Promise<void> {
    const groups = new Set(failures.flatMap(({ subscription: { group } }) => (group === undefined ? [] : [group])));
    return this.settle(delivery, [...groups], 'failed');
  }

  /** Never rejects: what could not be settled is handled once more, after the lease. */
  private async settle(delivery: Delivery, groups: readonly string[], outcome: 'completed' | 'failed'): Promise<void> {
    const { provider, instanceId, onTrouble } = this.options;
    const { id } = delivery.event;
    // a group whose claim was refused by an error may be in the hand of another delivery
    const held = groups.filter((group) => this.inHand.get(keyOf(id, group)) === delivery);
    await Promise.all(
      held.map(async (group) => {
        await provider.settleClaim({ id, group, claimant: instanceId }, outcome).catch(onTrouble);
        this.inHand.delete(keyOf(id, group));
      }),
    );
  }

  private async sweep(): Promise<void> {
    const { provider, leaseMs, groups, takeOver, onTrouble } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await sleep(leaseMs / SWEEPS_A_LEASE, undefined, { signal, ref: false }).catch(() => undefined);
      const mine = groups();
      if (signal.aborted || mine.length === 0) continue;
      try {
        for (const claim of await provider.abandoned(mine)) await takeOver(claim);
      } catch (error) {
        onTrouble(error);
      }
    }
  }
}

const keyOf = (id: string, group: string): string => JSON.stringify([id, group]);
