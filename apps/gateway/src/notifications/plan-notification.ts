import { hash } from 'node:crypto';
import { addressOf, isAddressOf, Refused, type Channel, type InputError } from '@tocsin/contracts';
import type { NewNotification } from '@tocsin/contracts/ports';
import { inOrder } from '@tocsin/messages';

/**
 * What is sent of a notification: each recipient over those of the channels that fit the address. Nobody is asked whether
 * the address is anybody's. Throws `Refused` (`invalid_recipient`) with a pointer to each address that fits none of the
 * channels: a recipient is never left out silently.
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
 * Notifications of one group become one message: those of one sender with the same key and window, to the same recipients
 * over the same channels, in whichever order they are named. A sender reaches a digest as its own, so it gathers nothing of
 * another one.
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

/** The same for every body that asks for the same, whatever the order of its keys. */
export const askedHashOf = (body: object): string =>
  hash('sha256', JSON.stringify(inOrder(JSON.parse(JSON.stringify(body)))), 'base64url').slice(0, 22);
