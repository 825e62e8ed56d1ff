import { Refused, type SlotScope, type StreamHolder, type StreamLimits } from '@tocsin/contracts';
import type { StreamSlots } from '@tocsin/contracts/ports';
import type { Health, Metrics } from '@tocsin/observability';
import { ConnectRate } from './connect-rate';

/** 0 turns a limit off. */
export interface AdmissionLimits extends StreamLimits {
  /** Connects of one user to this gateway, per second. */
  readonly connectsPerSecond: number;
  /** Streams that this gateway holds. */
  readonly maxStreams: number;
}

/** Gives a stream's places back. May be called twice. Never throws. */
export type Release = () => void;

/** A gateway that was full is ready again with a twentieth free, not with every place that comes and goes. */
const ROOM_SHARE = 0.05;

const FULL: Record<SlotScope, string> = {
  user: 'This user has as many streams open as one may have. Close one, or share one among tabs.',
  tenant: 'This tenant has as many streams open as one may have.',
  address: 'As many streams are open from this address as may be.',
};

/** Who may open a stream here and now: the gateway's own capacity, how often a user connects, and the caps that all gateways count together. */
export class Admission {
  private readonly rate: ConnectRate;
  /** Streams that are open, and those that are being decided. */
  private streams = 0;
  private full = false;

  constructor(
    private readonly slots: StreamSlots,
    private readonly limits: AdmissionLimits,
    private readonly metrics: Metrics,
    private readonly health: Pick<Health, 'ready' | 'notReady'>,
    /** Milliseconds, of any origin. */
    now: () => number = () => performance.now(),
  ) {
    this.rate = new ConnectRate(limits.connectsPerSecond, now);
  }

  /**
   * Admits a stream; what it returns is called when the stream has ended, or when it did not come about. Throws `Refused`:
   * `at_capacity`, `rate_limited` or `too_many_streams`, all of them for now and none for good.
   */
  async admit({ user, tenant_ids, address }: StreamHolder): Promise<Release> {
    const { maxStreams } = this.limits;
    if (maxStreams > 0 && this.streams >= maxStreams)
      this.refuse('at_capacity', 'gateway', 'This gateway is full. Come back in a moment.');
    if (!this.rate.allows(user))
      this.refuse('rate_limited', 'connects', 'This user connects too often. Come back in a moment.');

    // a holder of its own: it stands for this stream, not for the next with the same user
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
