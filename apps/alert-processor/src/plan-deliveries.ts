import { DEFAULT_RECIPIENT, type PlannedDelivery, type ValidMessage } from '@tocsin/contracts';
import type { Channel, Severity } from '@tocsin/contracts/wire';

/** The channels for an alert whose message names none. This is the only such table: change it here. */
const CHANNELS_BY_SEVERITY: Readonly<Record<Severity, readonly Channel[]>> = {
  urgent: ['email', 'sms', 'whatsapp'],
  high: ['email'],
  medium: [],
  low: [],
};

/**
 * Which recipients a channel can reach. A recipient that fits none of the channels gets nothing; it stays in the
 * message.
 */
const FITS: Readonly<Record<Channel, (recipient: string) => boolean>> = {
  email: (recipient) => /^[^\s@]+@[^\s@]+$/.test(recipient),
  sms: isPhoneNumber,
  whatsapp: isPhoneNumber,
  webhook: (recipient) => URL.canParse(recipient) && /^https?:$/.test(new URL(recipient).protocol),
};

/**
 * Plans which recipients are told of a message, over which channels. The `channels` of the message replace those of its
 * severity, and its `recipients` replace those of the tenant. Recommendations and notifications go only over channels
 * that they name. Whether anything is sent is decided when the entry is made: a repeat does not ring, and a resolved
 * alert does not ring.
 */
export function planDeliveries({ type, severity, status, channels, recipients = [] }: ValidMessage): PlannedDelivery[] {
  if (status === 'resolved') return [];
  const chosen = new Set(channels ?? (type === 'alert' ? CHANNELS_BY_SEVERITY[severity] : []));
  const named = new Set(recipients);
  return [...chosen].flatMap((channel) =>
    named.size === 0
      ? [{ channel, recipient: DEFAULT_RECIPIENT }]
      : [...named].filter(FITS[channel]).map((recipient) => ({ channel, recipient })),
  );
}

/** E.164: a plus, a country code, at most 15 digits. */
function isPhoneNumber(recipient: string): boolean {
  return /^\+[1-9]\d{6,14}$/.test(recipient);
}
