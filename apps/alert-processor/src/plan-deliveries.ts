import { reaches, type PlannedDelivery, type ValidMessage } from '@tocsin/contracts';
import type { Channel, Severity } from '@tocsin/contracts/wire';

/** The channels for the recipients that a message names, when it names no channels. */
const CHANNELS_BY_SEVERITY: Readonly<Record<Severity, readonly Channel[]>> = {
  urgent: ['email', 'sms', 'whatsapp', 'push'],
  high: ['email', 'push'],
  medium: [],
  low: [],
};

/**
 * Plans who is told of a message, and over which channels. Recipients that the message names replace those of the
 * tenant; they are told over the channels of the message, or else of its severity. Without recipients, the tenant's are
 * told: those of the channels that the message names, or else all that the tenant has configured for the severity.
 * Recommendations and notifications go only over channels that they name. Whether anything is sent is decided when the
 * entry is made: a repeat does not ring, and a resolved alert does not ring. A recipient that fits none of the channels
 * gets nothing; it stays in the message.
 */
export function planDeliveries({ type, severity, status, channels, recipients = [] }: ValidMessage): PlannedDelivery[] {
  if (status === 'resolved') return [];
  if (!channels && type !== 'alert') return [];
  if (recipients.length === 0)
    return (channels ? [...new Set(channels)] : [null]).map((channel) => ({ channel, recipient: null }));
  const named = [...new Set(recipients)];
  return [...new Set(channels ?? CHANNELS_BY_SEVERITY[severity])].flatMap((channel) =>
    named.filter((one) => reaches(channel, one)).map((recipient) => ({ channel, recipient })),
  );
}
