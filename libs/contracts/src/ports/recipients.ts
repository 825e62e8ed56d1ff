import type { TenantId } from '../tenant';
import type { Recipients } from '../wire';

/** The recipients of a tenant, with a tag that changes when they do. */
export interface TaggedRecipients {
  recipients: Recipients;
  etag: string;
}

/**
 * The recipients of a tenant's alerts whose messages name none.
 *
 * - They are replaced all at once, so a planner sees either the old or the new ones.
 * - A replacement with a tag takes effect only while the recipients have this tag. Of two replacements at the same
 *   time, only one takes effect.
 * - Throws `Unavailable` (`log`) when the store is unreachable.
 */
export abstract class RecipientBook {
  /** An empty object when there are no recipients. */
  abstract of(tenant: TenantId): Promise<TaggedRecipients>;
  /** Undefined when the recipients have another tag than `expected`. With null, any tag is accepted. */
  abstract replace(
    tenant: TenantId,
    recipients: Recipients,
    expected: string | null,
  ): Promise<TaggedRecipients | undefined>;
}
