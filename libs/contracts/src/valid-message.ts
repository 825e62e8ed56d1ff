import type { TenantId } from './tenant';
import type { AlertMessageBody } from './wire';

/** The fields that every message has once its defaults are filled in. */
type Filled = 'id' | 'type' | 'title' | 'status' | 'labels' | 'actions' | 'metadata' | 'schema_version';

/**
 * An alert message that was judged: canonical names, every limit kept, defaults filled in. Ports and the log take no other.
 * `AlertMessage` of `@tocsin/messages` declares the limits and is the only place that makes one from what a producer sent.
 */
export interface ValidMessage extends Omit<AlertMessageBody, Filled>, Required<Pick<AlertMessageBody, Filled>> {
  tenant_id: TenantId;
  schema_version: 1;
  /**
   * The fields above that the producer did not say, and which have a default: what is not said changes nothing of an alert.
   * `occurred_at` among them: it is the transport's time, and compared with none. Absent: the producer said every field.
   */
  assumed?: readonly (keyof AlertMessageBody)[];
}
