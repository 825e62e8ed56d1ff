import type { PlannedDelivery, ValidMessage } from '@tocsin/contracts';
import type { Channel, Severity } from '@tocsin/contracts/wire';

/** The channels for the recipients that a message names, when it names no channels. */
const CHANNELS_BY_SEVERITY: Readonly<Record<Severity, readonly Channel[]>> = {
  urgent: ['email', 'sms', 'whatsapp', 'push'],
  high: ['email', 'push'],
  medium: [],
  low: [],
};

/**
 * Which recipients a channel can reach. A recipient that fits none of the channels gets nothing; it stays in the
 * message.
 */
const FITS: Readonly<Record<Channel, (recipient: string) => boolean>> = {
  // no colon: `user:ana@example.com` is a user and no address
  email: (recipient) => /^[^\s@:]+@[^\s@]+$/.test(recipient),
  sms: isPhoneNumber,
  whatsapp: isPhoneNumber,
  webhook: (recipient) => URL.canParse(recipient) && /^https?:$/.test(new URL(recipient).protocol),
  push: (recipient) => /^user:[^\s]+$/.test(recipient),
};

/**
 * Plans who is told of a message, and over which channels. Recipients that the message names replace those of the
 * tenant; they are told over the channels of the message, or else of its severity. Without recipients, the tenant's are
 * told: those of the channels that the message names, or else all that the tenant has configured for the severity.
 * Recommendations and notifications go only over channels that they name. Whether anything is sent is decided when the
 * entry is made: a repeat does not ring, and a resolved alert does not ring.
 */
export function planDeliveries({ type, severity, status, channels, recipients = [] }: ValidMessage): PlannedDelivery[] {
  if (status === 'resolved') return [];
  if (!channels && type !== 'alert') return [];
  if (recipients.length === 0)
    return (channels ? [...new Set(channels)] : [null]).map((channel) => ({ channel, recipient: null }));
  const named = [...new Set(recipients)];
  return [...new Set(channels ?? CHANNELS_BY_SEVERITY[severity])].flatMap((channel) =>
    named.filter(FITS[channel]).map((recipient) => ({ channel, recipient })),
  );
}

/** E.164: a plus, a country code, at most 15 digits. */
function isPhoneNumber(recipient: string): boolean {
  return /^\+[1-9]\d{6,14}$/.test(recipient);
}
