import type { TenantId } from '../tenant';
import type { Recipients } from '../wire';

/** The recipients of a tenant, with a tag that changes when they do. */
export interface TaggedRecipients {
  recipients: Recipients;
  etag: string;
}

/**
 * Who is told of a tenant's alerts whose messages name no recipients.
 *
 * - The whole of them is replaced at once: a planner sees the old or the new ones.
 * - A replacement with a tag counts only while the recipients have this tag. Of two at the same time one counts.
 * - Throws `Unavailable` (`log`) when the store is away.
 */
export abstract class RecipientBook {
  /** An empty object when there are no recipients. */
  abstract of(tenant: TenantId): Promise<TaggedRecipients>;
  /** Undefined when the recipients have another tag than `expected`; null expects nothing. */
  abstract replace(
    tenant: TenantId,
    recipients: Recipients,
    expected: string | null,
  ): Promise<TaggedRecipients | undefined>;
}
