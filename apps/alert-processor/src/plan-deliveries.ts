import { DEFAULT_RECIPIENT, type PlannedDelivery, type ValidMessage } from '@tocsin/contracts';
import type { Channel, Severity } from '@tocsin/contracts/wire';

/** Over which channels an alert is told when its message does not say. The only table; whoever wants other channels edits it. */
const CHANNELS_BY_SEVERITY: Readonly<Record<Severity, readonly Channel[]>> = {
  urgent: ['email', 'sms', 'whatsapp'],
  high: ['email'],
  medium: [],
  low: [],
};

/** What a channel can reach. A recipient that fits none of a message's channels is not told; it stays in the message. */
const FITS: Readonly<Record<Channel, (recipient: string) => boolean>> = {
  email: (recipient) => /^[^\s@]+@[^\s@]+$/.test(recipient),
  sms: isPhoneNumber,
  whatsapp: isPhoneNumber,
  webhook: (recipient) => URL.canParse(recipient) && /^https?:$/.test(new URL(recipient).protocol),
};

/**
 * Who is to be told of a message, over what. The message's own `channels` replace those of its severity, its `recipients`
 * the tenant's; a recommendation or a notification is told only over channels that it names itself. Whether anything is
 * told at all is decided where the entry is made: a repeat rings nowhere, and neither does what resolves.
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
