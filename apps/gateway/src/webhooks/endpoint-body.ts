import { IsBoolean, IsString, Matches, ValidateBy } from 'class-validator';
import { TENANT_ID_PATTERN, WEBHOOK_FORMATS, type TenantId, type WebhookFormat } from '@tocsin/contracts';
import type { EndpointChange } from '@tocsin/contracts/ports';
import { faultOf, MAX_TEMPLATE } from '@tocsin/webhook-template';
import { Described, MayBeAbsent, type RuleContext } from '../request/field-rules';

/** The most bytes of a body. Twenty headers of 2,000 characters fit into them. */
export const MAX_BODY_BYTES = 64 * 1024;
export const HEADER_LIMITS = { count: 20, name: 64, value: 2_000 } as const;
const MAX_URL = 2_000;

/** Headers that belong to the connection, to HTTP itself or to the signature. An endpoint cannot set them. */
const OURS =
  /^(connection|keep-alive|proxy-.*|te|trailer|trailers|transfer-encoding|upgrade|host|content-.*|accept-encoding|expect|via|webhook-.*|user-agent)$/i;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Printable ASCII. So no CR or LF can begin another header, and all proxies read the same value. */
const VALUE = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

/** Whether an endpoint may have these headers. Names that differ only in case count as the same name. */
export function areHeaders(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const headers = Object.entries(value);
  return (
    headers.length <= HEADER_LIMITS.count &&
    new Set(headers.map(([name]) => name.toLowerCase())).size === headers.length &&
    headers.every(
      ([name, text]) =>
        name.length <= HEADER_LIMITS.name &&
        NAME.test(name) &&
        !OURS.test(name) &&
        typeof text === 'string' &&
        text.length <= HEADER_LIMITS.value &&
        VALUE.test(text),
    )
  );
}

/** Whether an address has the form of a webhook's address. The notifier checks at each connection where it leads. */
export function isWebhookAddress(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_URL || !URL.canParse(value)) return false;
  const { protocol, username, password, href } = new URL(value);
  return /^https?:$/.test(protocol) && !username && !password && href.length <= MAX_URL;
}

const HEADERS_SCHEMA = {
  type: 'object',
  maxProperties: HEADER_LIMITS.count,
  propertyNames: { minLength: 1, maxLength: HEADER_LIMITS.name, pattern: NAME.source },
  additionalProperties: { type: 'string', minLength: 1, maxLength: HEADER_LIMITS.value, pattern: VALUE.source },
};
const AreHeaders = () =>
  ValidateBy(
    { name: 'described', constraints: [HEADERS_SCHEMA], validator: { validate: areHeaders } },
    {
      message:
        `At most ${HEADER_LIMITS.count} headers by their names are expected, in printable ASCII. ` +
        'Headers of HTTP itself, content-*, user-agent and webhook-* cannot be set.',
    },
  );
const FORMATS: readonly unknown[] = [...WEBHOOK_FORMATS, null];
const IsFormat = () =>
  ValidateBy(
    {
      name: 'described',
      constraints: [{ enum: FORMATS }],
      validator: { validate: (value: unknown) => FORMATS.includes(value) },
    },
    { message: `One of ${WEBHOOK_FORMATS.join(', ')} is expected, or null.` },
  );

/** The template is tried when it is saved: a fault that shows with the first alert would keep it from its readers. */
const IsTemplate = (): PropertyDecorator => {
  const isText = ValidateBy(
    {
      name: 'described',
      constraints: [{ type: ['string', 'null'], minLength: 1, maxLength: MAX_TEMPLATE }],
      validator: { validate: (value: unknown) => value === null || isTemplateText(value) },
    },
    { message: `A template of 1 to ${MAX_TEMPLATE} characters is expected, or null.` },
  );
  const hasNoFault = ValidateBy(
    {
      name: 'template',
      validator: { validate: (value: unknown) => !isTemplateText(value) || !hasFault(value) },
    },
    {
      message: ({ value }: { value: unknown }) => faultFound(value),
      context: { code: 'invalid_template' } satisfies RuleContext,
    },
  );
  return (target, name) => [isText, hasNoFault].forEach((rule) => rule(target, name as string));
};

/** What the rule has found last: its message is asked for right after it, and rendering twice takes twice as long. */
let found: { source: string; fault: ReturnType<typeof faultOf> } | undefined;
const hasFault = (source: string): boolean => (found = { source, fault: faultOf(source) }).fault !== undefined;
const faultFound = (source: unknown): string => (found?.source === source ? (found?.fault?.message ?? '') : '');

const isTemplateText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_TEMPLATE;

const FORMAT = 'How bodies are written; null chooses by the host of the address.';
const TEMPLATE =
  'A Liquid template that writes the bodies, in place of the format; null: the format does. It must make JSON. Users who ' +
  'may read alerts can see it.';
const HEADERS = 'Headers to send in addition, by their names. They replace those before. Their values are never shown.';

/** The body of `POST /api/v1/webhooks`. */
@Described('The address, and how it is posted to.')
export class EndpointBody {
  @Described('The tenant that it belongs to.')
  @Matches(TENANT_ID_PATTERN, { message: 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.' })
  tenant_id!: TenantId;
  @Described('The address. It is https, unless the operator allows private addresses.', {
    type: 'string',
    format: 'uri',
    maxLength: MAX_URL,
  })
  @IsString({ message: 'An http or https address is expected.' })
  @ValidateBy(
    { name: 'webhookAddress', validator: { validate: isWebhookAddress } },
    { message: `An http or https address is expected, of at most ${MAX_URL} characters and without a user.` },
  )
  url!: string;
  @Described(FORMAT) @MayBeAbsent() @IsFormat() format?: WebhookFormat | null;
  @Described(TEMPLATE) @MayBeAbsent() @IsTemplate() template?: string | null;
  @Described(HEADERS) @MayBeAbsent() @AreHeaders() headers?: Record<string, string>;
}

/** The body of `PATCH /api/v1/webhooks/:id`. Fields that are left out stay as they are. */
@Described('What changes.')
export class EndpointChangeBody implements EndpointChange {
  @Described(FORMAT) @MayBeAbsent() @IsFormat() format?: WebhookFormat | null;
  @Described(TEMPLATE) @MayBeAbsent() @IsTemplate() template?: string | null;
  @Described(HEADERS) @MayBeAbsent() @AreHeaders() headers?: Record<string, string>;
  @Described('False: nothing more is sent to it. True: it is on again, and its failures are forgotten.')
  @MayBeAbsent()
  @IsBoolean({ message: 'true or false is expected.' })
  enabled?: boolean;
  @Described('True makes a new secret. The present one signs beside it for 24 hours.')
  @MayBeAbsent()
  @IsBoolean({ message: 'true or false is expected.' })
  rotate?: boolean;
}

export const changeOf = ({ format, template, headers, enabled, rotate }: EndpointChangeBody): EndpointChange => ({
  ...(format !== undefined && { format }),
  ...(template !== undefined && { template }),
  ...(headers !== undefined && { headers }),
  ...(enabled !== undefined && { enabled }),
  ...(rotate !== undefined && { rotate }),
});
