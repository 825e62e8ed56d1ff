import type { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { RATE_WINDOW_MS, RequestRates, type CountedRequest } from '@tocsin/contracts/ports';
import type { RedisConnection } from './connection';

const COUNT_TIMEOUT_MS = 200;

/** The requests of each key in Redis, for all gateways. A key ends with its window. */
export class RedisRequestRates extends RequestRates {
  private limiter: RateLimiterRedis | undefined;

  constructor(
    private readonly commands: RedisConnection,
    private readonly prefix: string,
  ) {
    super();
  }

  override async count(key: string): Promise<CountedRequest> {
    const counted = await this.commands.run('slots', COUNT_TIMEOUT_MS, (client) =>
      this.limiterOn(client)
        .consume(key)
        .catch((refusal: unknown) => {
          if (refusal instanceof RateLimiterRes) return refusal;
          throw refusal;
        }),
    );
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
