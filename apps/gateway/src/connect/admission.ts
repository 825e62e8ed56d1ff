import { Refused, type SlotScope, type StreamHolder, type StreamLimits } from '@tocsin/contracts';
import type { StreamSlots } from '@tocsin/contracts/ports';
import type { Health, Metrics } from '@tocsin/observability';
import { ConnectRate } from './connect-rate';

/** Limits on streams. 0 turns a limit off. */
export interface AdmissionLimits extends StreamLimits {
  /** Connection attempts of one user to this gateway, per second. */
  readonly connectsPerSecond: number;
  /** The most streams that this gateway holds at once. */
  readonly maxStreams: number;
}

/** Gives back the places that a stream takes under the limits. May be called twice. Never throws. */
export type Release = () => void;

/**
 * A gateway that was full is ready again when a twentieth of its places is free. One free place is not enough, or its
 * readiness would change with every stream.
 */
const ROOM_SHARE = 0.05;

const FULL: Record<SlotScope, string> = {
  user: 'This user has reached the limit of open streams. Close one, or share one among tabs.',
  tenant: 'This tenant has reached the limit of open streams.',
  address: 'This address has reached the limit of open streams.',
};

/**
 * Decides whether a stream may open on this gateway now: by the gateway's capacity, by how often the user connects, and
 * by the limits that all gateways count together.
 */
export class Admission {
  private readonly rate: ConnectRate;
  /** Open streams and those whose admission is being decided. */
  private streams = 0;
  private full = false;

  constructor(
    private readonly slots: StreamSlots,
    private readonly limits: AdmissionLimits,
    private readonly metrics: Metrics,
    private readonly health: Pick<Health, 'ready' | 'notReady'>,
    /** The clock, in milliseconds from any origin. */
    now: () => number = () => performance.now(),
  ) {
    this.rate = new ConnectRate(limits.connectsPerSecond, now);
  }

  /**
   * Admits a stream. The caller calls the returned function when the stream has ended or was not opened. Throws
   * `Refused`: `at_capacity`, `rate_limited` or `too_many_streams`; each is temporary.
   */
  async admit({ user, tenant_ids, address }: StreamHolder): Promise<Release> {
    const { maxStreams } = this.limits;
    if (maxStreams > 0 && this.streams >= maxStreams)
      this.refuse('at_capacity', 'gateway', 'This gateway is full. Come back in a moment.');
    if (!this.rate.allows(user))
      this.refuse('rate_limited', 'connects', 'This user connects too often. Come back in a moment.');

    // A new object identifies this stream and not another stream of the same user.
    const holder: StreamHolder = { user, tenant_ids, address };
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      this.slots.release(holder);
      this.count(-1);
    };
    this.count(1);
    try {
      const result = await this.slots.take(holder, this.limits);
      if (result !== 'taken') this.refuse('too_many_streams', result.full, FULL[result.full]);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  private count(change: 1 | -1): void {
    this.streams += change;
    const { maxStreams } = this.limits;
    if (maxStreams === 0) return;
    if (!this.full && this.streams >= maxStreams) {
      this.full = true;
      this.health.notReady('full');
    } else if (this.full && this.streams <= Math.floor(maxStreams * (1 - ROOM_SHARE))) {
      this.full = false;
      this.health.ready('full');
    }
  }

  private refuse(
    code: 'at_capacity' | 'rate_limited' | 'too_many_streams',
    scope: SlotScope | 'gateway' | 'connects',
    detail: string,
  ): never {
    this.metrics.rateLimited.inc({ scope });
    throw new Refused(code, detail);
  }
}
