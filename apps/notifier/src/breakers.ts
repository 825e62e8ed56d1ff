import {
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  circuitBreaker,
  handleWhen,
  isBrokenCircuitError,
  type IHalfOpenAfterBackoffContext,
} from 'cockatiel';
import { LRUCache } from 'lru-cache';
import type { SendOutcome } from '@tocsin/contracts';
import type { Channel, DeliveryReason } from '@tocsin/contracts/wire';
import type { Log, Metrics } from '@tocsin/observability';
import type { DeliveryChannel } from './channels/delivery-channel';

/** After this many failed attempts in a row, the breaker of a provider opens: nothing is sent to it for a while. */
export const FAILURES = 5;
/** How long the first pause lasts, in milliseconds. Each pause is twice the one before while attempts go on failing. */
export const FIRST_PAUSE_MS = 5_000;
export const LONGEST_PAUSE_MS = 60_000;
/**
 * The most providers of one channel whose breakers are kept. Each host of a tenant's webhooks, each user with push
 * messages and each push service is a provider, so there may be any number.
 */
export const MAX_PROVIDERS = 5_000;
/** A breaker without an attempt for this long is forgotten: what failed so long ago says little. */
const FORGET_AFTER_MS = 5 * LONGEST_PAUSE_MS;

/** The reasons that are a provider's fault. Any other outcome shows that the provider works, even a refusal. */
const FAULTS: ReadonlySet<DeliveryReason> = new Set<DeliveryReason>([
  'timeout',
  'connection_failed',
  'connection_lost',
  'rate_limited',
  'provider_error',
]);
/** The faults of a provider that says nothing at all, to any of its customers. Each costs a whole timeout. */
export const SILENCE: ReadonlySet<DeliveryReason> = new Set<DeliveryReason>([
  'timeout',
  'connection_failed',
  'connection_lost',
]);

/** Carries the outcome of an attempt that asked no provider past the policy, which counts results and no such error. */
class NobodyAsked extends Error {
  constructor(
    readonly result: SendOutcome,
    /** Whether the attempt was to find out whether the provider works again. */
    readonly probing: boolean,
  ) {
    super('No provider was asked.');
  }
}
/**
 * An error that the policy does not handle leaves a closed breaker as it is, but it would close one that is half open.
 * There it is handled instead: the breaker opens again, with a pause of 0.
 */
const foundNothingOut = (error: Error): boolean => error instanceof NobodyAsked && error.probing;

/** Stops sending to a provider after several failures in a row, so that no delivery wastes its attempts on it. */
class Breaker {
  private pauseLastsMs = 0;
  private reopensAt = 0;
  private readonly policy = circuitBreaker(
    handleWhen(foundNothingOut).orWhenResult((result) => this.isFault(result as SendOutcome)),
    {
      breaker: new ConsecutiveBreaker(FAILURES),
      halfOpenAfter: new DelegateBackoff<IHalfOpenAfterBackoffContext, number>(({ result }, pauses = 0) => {
        if ('error' in result) return { delay: 0, state: pauses };
        this.pauseLastsMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(pauses, 10));
        this.reopensAt = Date.now() + this.pauseLastsMs;
        return { delay: this.pauseLastsMs, state: pauses + 1 };
      }),
    },
  );

  constructor(
    private readonly faults: ReadonlySet<DeliveryReason>,
    onChange: (open: boolean) => void,
  ) {
    this.policy.onBreak((why) => {
      if (!('error' in why)) onChange(true);
    });
    this.policy.onReset(() => onChange(false));
  }

  /**
   * Whether deliveries are kept from the provider. The policy leaves its open state only when something is to be sent.
   * So the state alone would say this for ever of a provider to which nothing is sent any more. What was given back
   * during the pause is tried again at the latest when it is over for as long as it lasted, and some seconds.
   */
  get leavesAlone(): boolean {
    if (this.policy.state !== CircuitState.Open) return this.policy.state === CircuitState.HalfOpen;
    return Date.now() < this.reopensAt + this.pauseLastsMs + FIRST_PAUSE_MS;
  }

  /**
   * Runs an attempt and counts its outcome. While the breaker is open there is no attempt, and the result is undefined.
   * After a pause, one attempt finds out whether the provider works again; one that asks no provider leaves that to the
   * next. An attempt begins before this method returns.
   */
  async run(attempt: () => Promise<SendOutcome>): Promise<SendOutcome | undefined> {
    const { state } = this.policy;
    if (state === CircuitState.HalfOpen) return undefined;
    try {
      return await this.policy.execute(async () => {
        const result = await attempt();
        if (result.of === 'us') throw new NobodyAsked(result, state === CircuitState.Open);
        return result;
      });
    } catch (error) {
      if (isBrokenCircuitError(error)) return undefined;
      if (error instanceof NobodyAsked) return error.result;
      throw error;
    }
  }

  /** How long nothing is sent to the provider from now on, in milliseconds. */
  get pauseMs(): number {
    return this.policy.state === CircuitState.HalfOpen ? FIRST_PAUSE_MS : Math.max(0, this.reopensAt - Date.now());
  }

  private isFault(result: SendOutcome): boolean {
    return 'reason' in result && result.of === undefined && this.faults.has(result.reason);
  }
}

/** The breakers of all providers. A provider that was not used for a while is forgotten: it counts as working. */
export class Breakers {
  /** Each channel has room of its own: those with many providers do not push out the one mail server. */
  private readonly known = new Map<Channel, LRUCache<string, Breaker>>();

  constructor(
    metrics: Pick<Metrics, 'deliveryBreakersOpen'>,
    private readonly log: Log,
  ) {
    // Counted whenever the metrics are read: the end of a pause is no event.
    Object.assign(metrics.deliveryBreakersOpen, {
      collect: () => {
        for (const channel of this.known.keys()) metrics.deliveryBreakersOpen.set({ channel }, this.leftAlone(channel));
      },
    });
  }

  /** The breaker of a channel's provider. `faults`: which reasons open it, when it is new. */
  of({ channel }: Pick<DeliveryChannel, 'channel'>, provider: string, faults = FAULTS): Breaker {
    const ofChannel = this.ofChannel(channel);
    const known = ofChannel.get(provider);
    if (known) return known;
    const breaker = new Breaker(faults, (open) => {
      if (open) this.log.warn({ channel, provider }, 'a provider fails: nothing is sent to it for a while');
      else this.log.info({ channel, provider }, 'a provider works again');
    });
    ofChannel.set(provider, breaker);
    return breaker;
  }

  private ofChannel(channel: Channel): LRUCache<string, Breaker> {
    let ofChannel = this.known.get(channel);
    if (!ofChannel) {
      ofChannel = new LRUCache<string, Breaker>({
        max: MAX_PROVIDERS,
        ttl: FORGET_AFTER_MS,
        updateAgeOnGet: true,
        // by the clock of the pauses, and without a timer that keeps its time for a millisecond
        perf: Date,
        ttlResolution: 0,
      });
      this.known.set(channel, ofChannel);
    }
    return ofChannel;
  }

  /** How many providers of a channel are left alone at present. */
  private leftAlone(channel: Channel): number {
    let count = 0;
    for (const breaker of this.ofChannel(channel).values()) if (breaker.leavesAlone) count += 1;
    return count;
  }
}
