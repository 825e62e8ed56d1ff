import { hash } from 'node:crypto';
import { addressOf, isAddressOf, Refused, type Channel, type InputError } from '@tocsin/contracts';
import type { NewNotification } from '@tocsin/contracts/ports';
import { inOrder } from '@tocsin/messages';

/**
 * The deliveries of a notification: each recipient over those channels that fit its address. Whether an address exists
 * is not checked. Throws `Refused` (`invalid_recipient`) with a pointer to each address that fits no channel, so that
 * no recipient is left out silently.
 */
export function planNotification(
  channels: readonly Channel[],
  recipients: readonly string[],
): NewNotification['deliveries'] {
  const errors = recipients.flatMap((recipient, index): InputError[] =>
    channels.some((channel) => isAddressOf(channel, recipient))
      ? []
      : [
          {
            pointer: `/recipients/${index}`,
            code: 'invalid_recipient',
            detail: `Of ${channels.join(', ')}, none takes this address. Expected: ${[...new Set(channels.map(addressOf))].join('; ')}.`,
          },
        ],
  );
  if (errors[0]) throw new Refused('invalid_recipient', errors[0].detail, { errors });
  const named = [...new Set(recipients)];
  return channels.flatMap((channel) =>
    named.filter((recipient) => isAddressOf(channel, recipient)).map((recipient) => ({ channel, recipient })),
  );
}

/**
 * Identifies the group of a digest, whose notifications become one message. They have the same sender, key and window,
 * the same recipients and the same channels, in any order. The sender counts because it may read and cancel its digest.
 */
export const digestGroupOf = (
  { key, every_seconds }: { key: string; every_seconds: number },
  deliveries: NewNotification['deliveries'],
  sender: string,
): string =>
  hash(
    'sha256',
    JSON.stringify([
      sender,
      key,
      every_seconds,
      deliveries.map(({ channel, recipient }) => `${channel} ${recipient}`).sort(),
    ]),
    'base64url',
  ).slice(0, 22);

/** The hash of a body. It does not depend on the order of the fields. */
export const askedHashOf = (body: object): string =>
  hash('sha256', JSON.stringify(inOrder(JSON.parse(JSON.stringify(body)))), 'base64url').slice(0, 22);
