import type { Channel } from './wire';

/** One message to one recipient over one channel, as the processor plans it. Stored with its alert's entry. */
export interface PlannedDelivery {
  channel: Channel;
  /** An e-mail address, a phone number in E.164, an http(s) address, or `DEFAULT_RECIPIENT`. */
  recipient: string;
}

/**
 * The recipient that the tenant has configured for the channel. It is looked up when the delivery is sent, not when it
 * is planned.
 */
export const DEFAULT_RECIPIENT = 'default';
