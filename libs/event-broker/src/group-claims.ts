import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, HandlerFailure } from './delivery';
import type { AbandonedClaim, EventProvider } from './event-provider';
import { groupsOf, type Subscription } from './subscriptions';

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

  /**
   * After an attempt: a group is done with the event unless one of its handlers has failed. Never rejects: what could
   * not be completed is handled once more, after the lease.
   */
  async completed(delivery: Delivery, taken: ReadonlySet<string>, failures: readonly HandlerFailure[]): Promise<void> {
    const { provider, instanceId, onTrouble } = this.options;
    const { id } = delivery.event;
    const failed = groupsOf(failures.map(({ subscription }) => subscription));
    const done = [...taken].filter((group) => !failed.has(group));
    await Promise.all(
      done.map((group) => provider.completeClaim({ id, group, claimant: instanceId }).catch(onTrouble)),
    );
    this.release(delivery, done);
  }

  /**
   * Leaves the event to the groups that have not handled it, when this instance stops before it has begun to. It stores
   * a claim whose lease is over, which the next instance of the group finds, even if none runs now. Never rejects.
   */
  async leave({ event: { id }, waiting }: Delivery): Promise<void> {
    const { provider, instanceId, onTrouble } = this.options;
    const claims = [...groupsOf(waiting)].map((group) => provider.claim({ id, group, claimant: instanceId }, 1));
    await Promise.all(claims.map((claim) => claim.catch(onTrouble)));
  }

  /** The groups of these subscriptions whose claims the delivery has. */
  heldBy(delivery: Delivery, subscriptions: readonly Subscription[]): string[] {
    return [...groupsOf(subscriptions)].filter(
      (group) => this.inHand.get(keyOf(delivery.event.id, group)) === delivery,
    );
  }

  /** The delivery has nothing more to do for these groups, whose claims it has. */
  release(delivery: Delivery, groups: readonly string[]): void {
    for (const group of groups) this.inHand.delete(keyOf(delivery.event.id, group));
  }

  private async sweep(): Promise<void> {
    const { provider, leaseMs, groups, takeOver, onTrouble } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await sleep(leaseMs / SWEEPS_A_LEASE, undefined, { signal, ref: false }).catch(() => undefined);
      const mine = groups();
      if (signal.aborted || mine.length === 0) continue;
      try {
        for (const claim of await provider.abandoned(mine)) if (!signal.aborted) await takeOver(claim);
      } catch (error) {
        onTrouble(error);
      }
    }
  }
}

const keyOf = (id: string, group: string): string => JSON.stringify([id, group]);
