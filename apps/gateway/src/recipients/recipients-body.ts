import { Matches, ValidateBy } from 'class-validator';
import {
  addressOf,
  CHANNELS,
  isAddressOf,
  Refused,
  SEVERITIES,
  TENANT_ID_PATTERN,
  type Channel,
  type InputError,
  type Recipients,
  type Severity,
  type TenantId,
} from '@tocsin/contracts';
import { Described } from '../request/field-rules';

/** The most bytes of a body. 100 web addresses for each of a few channels fit into them. */
export const MAX_BODY_BYTES = 256 * 1024;
/** The most addresses for each severity and channel. */
export const MAX_ADDRESSES = 100;

/** The query of `/api/v1/recipients`. */
export class RecipientsQuery {
  @Described('Of this tenant.')
  @Matches(TENANT_ID_PATTERN, { message: 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.' })
  tenant!: TenantId;
}

/** The body of `PUT /api/v1/recipients`: all recipients of the tenant. */
@Described('All recipients: severity, channel, addresses.')
export class RecipientsBody {
  @ValidateBy(
    { name: 'recipients', validator: { validate: areRecipients } },
    {
      message: `An object is expected: ${SEVERITIES.join(', ')} → ${CHANNELS.join(', ')} → up to ${MAX_ADDRESSES} addresses.`,
    },
  )
  recipients!: Recipients;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether the shape is right. `recipientsOf` checks the addresses, so that each fault has a pointer. */
function areRecipients(value: unknown): boolean {
  return (
    isMap(value) &&
    Object.entries(value).every(
      ([severity, channels]) =>
        (SEVERITIES as readonly string[]).includes(severity) &&
        isMap(channels) &&
        Object.entries(channels).every(
          ([channel, addresses]) =>
            (CHANNELS as readonly string[]).includes(channel) &&
            Array.isArray(addresses) &&
            addresses.length <= MAX_ADDRESSES &&
            addresses.every((address) => typeof address === 'string'),
        ),
    )
  );
}

/** Throws `Refused` (`invalid_recipient`) with a pointer to each address that does not fit its channel. */
export function recipientsOf({ recipients }: RecipientsBody): Recipients {
  const errors: InputError[] = [];
  for (const [severity, channels] of Object.entries(recipients) as [Severity, Record<Channel, string[]>][])
    for (const [channel, addresses] of Object.entries(channels) as [Channel, string[]][])
      for (const [index, address] of addresses.entries())
        if (!isAddressOf(channel, address))
          errors.push({
            pointer: `/recipients/${severity}/${channel}/${index}`,
            code: 'invalid_recipient',
            detail: `Expected: ${addressOf(channel)}.`,
          });
  if (errors[0]) throw new Refused('invalid_recipient', errors[0].detail, { errors });
  return recipients;
}
