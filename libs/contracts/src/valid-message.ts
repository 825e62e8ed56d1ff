import type { TenantId } from './tenant';
import type { AlertMessageBody } from './wire';

/** The fields that every message has once its defaults are filled in. */
type Filled = 'id' | 'type' | 'title' | 'status' | 'labels' | 'actions' | 'metadata' | 'schema_version';

/**
 * An alert message that passed validation: canonical names, within all limits, defaults filled in. Ports and the event
 * log take no other. `AlertMessage` of `@tocsin/messages` declares the limits and is the only place that makes one from
 * a producer's message.
 */
export interface ValidMessage extends Omit<AlertMessageBody, Filled>, Required<Pick<AlertMessageBody, Filled>> {
  tenant_id: TenantId;
  schema_version: 1;
  /**
   * The fields that the producer left out and that got a default. A field that was left out changes nothing of an
   * alert. If `occurred_at` is among them, it is the transport's time and is not compared with other times. Absent: the
   * producer set every field.
   */
  assumed?: readonly (keyof AlertMessageBody)[];
}
