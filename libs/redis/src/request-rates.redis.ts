import type { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Unavailable } from '@tocsin/contracts';
import { RATE_WINDOW_MS, RequestRates, type CountedRequest } from '@tocsin/contracts/ports';
import { within } from '@tocsin/timing';
import type { RedisConnection } from './connection';

const COUNT_TIMEOUT_MS = 200;
/**
 * After this time without a reply the connection counts as dead. It is shared, so a Redis that is merely slow keeps it.
 */
const DEAD_AFTER_MS = 2_000;

/** The requests of each key in Redis, for all gateways. A key ends with its window. */
export class RedisRequestRates extends RequestRates {
  private limiter: RateLimiterRedis | undefined;
  /** How many requests Redis has not counted in time. While there are any, it is asked for no other count. */
  private late = 0;

  constructor(
    private readonly commands: RedisConnection,
    private readonly prefix: string,
  ) {
    super();
  }

  override async count(key: string): Promise<CountedRequest> {
    if (this.late > 0) throw tooLate();
    const asking = this.commands.run('slots', DEAD_AFTER_MS, (client) =>
      this.limiterOn(client)
        .consume(key)
        .catch((refusal: unknown) => {
          if (refusal instanceof RateLimiterRes) return refusal;
          throw refusal;
        }),
    );
    const counted = await within(COUNT_TIMEOUT_MS, asking, () => {
      this.late += 1;
      const answered = () => (this.late -= 1);
      asking.then(answered, answered);
      throw tooLate();
    });
    return { count: counted.consumedPoints, resetMs: counted.msBeforeNext };
  }

  /** Only counts: the gateway compares with its limits, so that several limits share one counter. */
  private limiterOn(client: Redis): RateLimiterRedis {
    this.limiter ??= new RateLimiterRedis({
      storeClient: client,
      keyPrefix: `${this.prefix}requests`,
      points: Number.MAX_SAFE_INTEGER,
      duration: RATE_WINDOW_MS / 1_000,
    });
    return this.limiter;
  }
}

const tooLate = () =>
  new Unavailable('slots', `Redis does not count within ${COUNT_TIMEOUT_MS} ms.`, { technology: 'redis' });
