import type { TenantId } from '../tenant';
import type { EndpointDisabledReason, WebhookEndpoint, WebhookFormat, WebhookSecret } from '../wire';

/** What one attempt needs to know of its endpoint. */
export interface EndpointInUse {
  endpoint_id: string;
  /** Null: chosen by the host of the address. */
  format: WebhookFormat | null;
  /** Sent in addition. Null: they were sealed with another key and cannot be read. */
  headers: Readonly<Record<string, string>> | null;
  /** With each of these the body is signed, the newest first: two during the 24 hours after a rotation. */
  secrets: readonly string[];
  /** Whether it is switched off. */
  disabled: boolean;
  /** Whether its last attempt failed, so that a success must be reported. */
  failing: boolean;
}

/** A failed attempt, and how long failures are borne. */
export interface EndpointFailure {
  /** The receiver says that the address is gone for good (410): the endpoint is switched off at once. */
  gone: boolean;
  /** How long nothing but failures may happen before it is switched off, in milliseconds. */
  disableAfterMs: number;
  /** After a silence as long as this between two failures, they begin anew, in milliseconds. */
  forgetAfterMs: number;
}

/** What a user changes. Fields that are left out stay as they are. */
export interface EndpointChange {
  format?: WebhookFormat | null;
  /** Replaces all of them. */
  headers?: Readonly<Record<string, string>>;
  /** True also forgets the failures. */
  enabled?: boolean;
  /** True makes a new secret. The present one signs beside it for 24 hours, the one before that no more. */
  rotate?: boolean;
}

/** How long the secret before the present one goes on signing, in milliseconds. */
export const SECRET_OVERLAP_MS = 24 * 3_600_000;

/**
 * The addresses to which webhooks are posted, one for each tenant and address.
 *
 * - Secrets are derived from a key and never stored. The values of headers are stored sealed. Nothing but `use` and
 *   `secretOf` returns either.
 * - Each method of a user reaches the endpoints of the tenants that it is given; another one is `undefined`, like one
 *   that does not exist.
 * - When attempts switch an endpoint off, a notification to the tenant's other recipients is stored with it, once.
 *
 * Every method throws `Unavailable` (`log`) when the store is away.
 */
export abstract class WebhookEndpoints {
  /** The endpoint of an address, which is made when it is used for the first time. `url` is in its canonical form. */
  abstract use(tenant: TenantId, url: string): Promise<EndpointInUse>;
  /** An attempt succeeded: the failures before it are forgotten. */
  abstract succeeded(tenant: TenantId, endpointId: string): Promise<void>;
  /** An attempt failed. Tells why this switched the endpoint off; null when it is still on, or was off before. */
  abstract failed(
    tenant: TenantId,
    endpointId: string,
    failure: EndpointFailure,
  ): Promise<EndpointDisabledReason | null>;

  /** The endpoints of the tenants, the oldest first: at most 1,000. */
  abstract list(tenants: readonly TenantId[]): Promise<WebhookEndpoint[]>;
  abstract find(tenants: readonly TenantId[], endpointId: string): Promise<WebhookEndpoint | undefined>;
  /** Changes an endpoint. Whoever changes it first is its owner. */
  abstract change(
    tenants: readonly TenantId[],
    endpointId: string,
    by: string,
    change: EndpointChange,
  ): Promise<WebhookEndpoint | undefined>;
  /** The secrets that sign now. Whoever asks first is the owner, since a receiver will depend on them. */
  abstract secretOf(tenants: readonly TenantId[], endpointId: string, by: string): Promise<WebhookSecret | undefined>;
  /** Stores a notification to this endpoint alone, for now. Returns its id. */
  abstract test(tenants: readonly TenantId[], endpointId: string, by: string): Promise<string | undefined>;
}
