import { Unavailable } from '@tocsin/contracts';
import type { CountedRequest, RequestRates } from '@tocsin/contracts/ports';
import type { RequestLimit } from '@tocsin/observability';
import { OwnRequestRates } from './own-request-rates';

/** The most requests a minute in each scope; 0: any number. */
export type RequestsPerMinute = Readonly<Record<RequestLimit, number>>;

/** How a limit stands after a request. */
export interface LimitedRequest {
  scope: RequestLimit;
  limit: number;
  /** How many more requests the window has. */
  remaining: number;
  allowed: boolean;
  resetMs: number;
}

/**
 * Decides whether a request is within the limits. The gateways count together where their bus can count, and each for
 * itself while it is away: an outage is never a reason to refuse a request.
 */
export class RequestLimits {
  constructor(
    private readonly limits: RequestsPerMinute,
    private readonly shared: RequestRates | undefined,
    private readonly own: RequestRates = new OwnRequestRates(),
  ) {}

  /** Counts a request of `who`; undefined where the scope has no limit. A refused request counts, too. */
  async count(scope: RequestLimit, who: string): Promise<LimitedRequest | undefined> {
    const limit = this.limits[scope];
    if (limit === 0) return undefined;
    const { count, resetMs } = await this.counted(`${scope}:${who}`);
    return { scope, limit, remaining: Math.max(0, limit - count), allowed: count <= limit, resetMs };
  }

  private async counted(key: string): Promise<CountedRequest> {
    if (!this.shared) return this.own.count(key);
    try {
      return await this.shared.count(key);
    } catch (error) {
      if (error instanceof Unavailable) return this.own.count(key);
      throw error;
    }
  }
}
