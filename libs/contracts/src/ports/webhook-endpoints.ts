import type { TenantId } from '../tenant';
import type { EndpointDisabledReason, WebhookEndpoint, WebhookFormat, WebhookSecret } from '../wire';

/** The data of an endpoint that an attempt needs. */
export interface EndpointInUse {
  endpoint_id: string;
  /** Null means that the host of the address decides. */
  format: WebhookFormat | null;
  /** The template of the bodies. Null means that the format writes them. */
  template: string | null;
  /** Additional headers. Null means that they were encrypted with another key and cannot be read. */
  headers: Readonly<Record<string, string>> | null;
  /** The body is signed with each of these, the newest first. There are two in the 24 hours after a rotation. */
  secrets: readonly string[];
  /** Whether it is switched off. */
  disabled: boolean;
  /** Whether its last attempt failed, so that a success must be reported. */
  failing: boolean;
}

/** A failed attempt, with the limits after which failures switch the endpoint off. */
export interface EndpointFailure {
  /** The receiver says that the address is gone for good (410): the endpoint is switched off at once. */
  gone: boolean;
  /** The endpoint is switched off when all attempts have failed for this long, in milliseconds. */
  disableAfterMs: number;
  /** If no attempt is made for this long between two failures, the period starts again, in milliseconds. */
  forgetAfterMs: number;
}

/** The changes of a user. Absent fields stay as they are. */
export interface EndpointChange {
  format?: WebhookFormat | null;
  /** It was tried before. Null: the format writes the bodies again. */
  template?: string | null;
  /** Replaces all headers. */
  headers?: Readonly<Record<string, string>>;
  /** True also clears the failures. */
  enabled?: boolean;
  /** True makes a new secret. For 24 hours the present secret also signs; an older one no longer does. */
  rotate?: boolean;
}

/** How long the previous secret still signs after a rotation, in milliseconds. */
export const SECRET_OVERLAP_MS = 24 * 3_600_000;

/**
 * The addresses to which webhooks are posted, one for each tenant and address.
 *
 * - Secrets are derived from a key and never stored. The values of headers are stored encrypted. Only `use` and
 *   `secretOf` return them.
 * - The methods for users reach only the endpoints of the given tenants. Any other endpoint is `undefined`, as if it
 *   did not exist.
 * - When failures switch an endpoint off, a notification to the tenant's other recipients is stored in the same
 *   transaction, once.
 *
 * Every method throws `Unavailable` (`log`) when the store is unreachable.
 */
export abstract class WebhookEndpoints {
  /** The endpoint of an address. The first use creates it. `url` is in its canonical form. */
  abstract use(tenant: TenantId, url: string): Promise<EndpointInUse>;
  /** Records a success, which clears the failures before it. */
  abstract succeeded(tenant: TenantId, endpointId: string): Promise<void>;
  /**
   * Records a failure. Returns why it switched the endpoint off; null when the endpoint is still on, or was off before.
   */
  abstract failed(
    tenant: TenantId,
    endpointId: string,
    failure: EndpointFailure,
  ): Promise<EndpointDisabledReason | null>;

  /** The endpoints of the tenants, the oldest first: at most 1,000. */
  abstract list(tenants: readonly TenantId[]): Promise<WebhookEndpoint[]>;
  abstract find(tenants: readonly TenantId[], endpointId: string): Promise<WebhookEndpoint | undefined>;
  /** Changes an endpoint. The user who changes it first becomes its owner. */
  abstract change(
    tenants: readonly TenantId[],
    endpointId: string,
    by: string,
    change: EndpointChange,
  ): Promise<WebhookEndpoint | undefined>;
  /**
   * The secrets that sign now. The user who reads them first becomes the owner, because a receiver will depend on them.
   */
  abstract secretOf(tenants: readonly TenantId[], endpointId: string, by: string): Promise<WebhookSecret | undefined>;
  /** Stores a notification to this endpoint only, which is due now. Returns its id. */
  abstract test(tenants: readonly TenantId[], endpointId: string, by: string): Promise<string | undefined>;
}
