import {
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  circuitBreaker,
  handleWhenResult,
  isBrokenCircuitError,
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
/** The most providers whose breakers are kept. Each host of webhooks is a provider, so there may be any number. */
const MAX_PROVIDERS = 1_000;

/** The reasons that are a provider's fault. Any other outcome shows that the provider works, even a refusal. */
const FAULTS: ReadonlySet<DeliveryReason> = new Set<DeliveryReason>([
  'timeout',
  'connection_failed',
  'connection_lost',
  'rate_limited',
  'provider_error',
]);
const isFault = (result: SendOutcome): boolean => result.outcome !== 'sent' && FAULTS.has(result.reason);

/** Stops sending to a provider after several failures in a row, so that no delivery wastes its attempts on it. */
class Breaker {
  private reopensAt = 0;
  private readonly policy = circuitBreaker(
    handleWhenResult((result) => isFault(result as SendOutcome)),
    {
      breaker: new ConsecutiveBreaker(FAILURES),
      halfOpenAfter: new DelegateBackoff(({ attempt }) => {
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 10));
        this.reopensAt = Date.now() + pause;
        return pause;
      }),
    },
  );

  constructor(onChange: (open: boolean) => void) {
    this.policy.onBreak(() => onChange(true));
    this.policy.onReset(() => onChange(false));
  }

  get open(): boolean {
    return this.policy.state !== CircuitState.Closed;
  }

  /**
   * Runs an attempt and counts its outcome. While the breaker is open there is no attempt, and the result is undefined.
   * After a pause, one attempt finds out whether the provider works again. An attempt begins before this method
   * returns.
   */
  async run(attempt: () => Promise<SendOutcome>): Promise<SendOutcome | undefined> {
    if (this.policy.state === CircuitState.HalfOpen) return undefined;
    try {
      return await this.policy.execute(attempt);
    } catch (error) {
      if (isBrokenCircuitError(error)) return undefined;
      throw error;
    }
  }

  /** How long nothing is sent to the provider from now on, in milliseconds. */
  get pauseMs(): number {
    return this.policy.state === CircuitState.HalfOpen ? FIRST_PAUSE_MS : Math.max(0, this.reopensAt - Date.now());
  }
}

/** The breakers of all providers. A provider that was not used for a long time is forgotten: it counts as working. */
export class Breakers {
  private readonly known = new LRUCache<string, Breaker>({ max: MAX_PROVIDERS });

  constructor(
    private readonly metrics: Pick<Metrics, 'deliveryBreakersOpen'>,
    private readonly log: Log,
  ) {}

  /** The breaker of a channel's provider. */
  of({ channel }: Pick<DeliveryChannel, 'channel'>, provider: string): Breaker {
    const key = `${channel} ${provider}`;
    let breaker = this.known.get(key);
    if (!breaker) {
      breaker = new Breaker((open) => {
        if (open) this.log.warn({ channel, provider }, 'a provider fails: nothing is sent to it for a while');
        else this.log.info({ channel, provider }, 'a provider works again');
        this.count(channel);
      });
      this.known.set(key, breaker);
    }
    return breaker;
  }

  private count(channel: Channel): void {
    let open = 0;
    for (const [key, breaker] of this.known.entries()) if (key.startsWith(`${channel} `) && breaker.open) open += 1;
    this.metrics.deliveryBreakersOpen.set({ channel }, open);
  }
}
