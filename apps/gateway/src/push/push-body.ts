import { ECDH } from 'node:crypto';
import { ArrayMaxSize, ArrayMinSize, IsArray, Matches, ValidateBy } from 'class-validator';
import { TENANT_ID_PATTERN, type PushSubscribe } from '@tocsin/contracts';
import { Described, MayBeAbsent, type RuleContext } from '../request/field-rules';

/** The most bytes of a body. 200 tenants and a long endpoint fit into them. */
export const MAX_BODY_BYTES = 16 * 1024;
const MAX_TENANTS = 200;
/** The longest endpoint, because it is part of a database key. Push services use up to about 500 characters. */
const MAX_ENDPOINT = 1_000;
const PUBLIC_KEY_BYTES = 65;
const AUTH_BYTES = 16;

const TOO_MANY: RuleContext = { code: 'batch_too_large' };
const A_TENANT: RuleContext = {
  at: (list) => (Array.isArray(list) ? `/${list.findIndex((one) => !isTenant(one))}` : ''),
};
const isTenant = (value: unknown): boolean => typeof value === 'string' && TENANT_ID_PATTERN.test(value);

/**
 * An endpoint is an address that a client has chosen, and the notifier posts to it. Only its form is checked here. The
 * notifier checks for each connection where it leads.
 */
function isEndpoint(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MAX_ENDPOINT || !URL.canParse(value)) return false;
  const { protocol, username, password, hash, href } = new URL(value);
  // stored and compared as text, so it must have one spelling
  return protocol === 'https:' && !username && !password && !hash && href === value;
}

const isBytes = (value: unknown, length: number): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value) && Buffer.from(value, 'base64url').length === length;

/** Whether the key is an uncompressed point of the curve P-256. With another key, no message could be encrypted. */
function isPublicKey(value: unknown): boolean {
  if (!isBytes(value, PUBLIC_KEY_BYTES) || Buffer.from(value, 'base64url')[0] !== 4) return false;
  try {
    ECDH.convertKey(value, 'prime256v1', 'base64url', 'base64url', 'uncompressed');
    return true;
  } catch {
    return false;
  }
}

/** The body of `PUT /api/v1/push`: the subscription that a page got from its browser. */
@Described("The browser's subscription.")
export class PushSubscribeBody implements PushSubscribe {
  @Described("The `endpoint` of the browser's subscription: https.", { pattern: '^https://', maxLength: MAX_ENDPOINT })
  @ValidateBy(
    { name: 'endpoint', validator: { validate: isEndpoint } },
    { message: `An https address of at most ${MAX_ENDPOINT} characters is expected, as the browser gives it.` },
  )
  endpoint!: string;
  @Described('`keys.p256dh` of it: a public key of the curve P-256, in base64url.')
  @ValidateBy(
    { name: 'publicKey', validator: { validate: isPublicKey } },
    { message: `${PUBLIC_KEY_BYTES} bytes of a public key in base64url are expected, as the browser gives them.` },
  )
  p256dh!: string;
  @Described('`keys.auth` of it, in base64url.')
  @ValidateBy(
    { name: 'authSecret', validator: { validate: (value: unknown) => isBytes(value, AUTH_BYTES) } },
    { message: `${AUTH_BYTES} bytes in base64url are expected, as the browser gives them.` },
  )
  auth!: string;
  @Described('For which tenants of the user; default: all. It replaces what this browser was subscribed to.')
  @MayBeAbsent()
  @IsArray({ message: 'A list of tenants is expected.' })
  @ArrayMinSize(1, { message: 'The list holds no tenant.', context: { code: 'empty_batch' } satisfies RuleContext })
  @ArrayMaxSize(MAX_TENANTS, { message: `At most ${MAX_TENANTS} tenants are accepted.`, context: TOO_MANY })
  @Matches(TENANT_ID_PATTERN, { each: true, message: 'A tenant is 1 to 64 of A-Z a-z 0-9 . _ -.', context: A_TENANT })
  tenants?: string[];
}

/** The query of `DELETE /api/v1/push`. */
export class PushBrowserQuery {
  @Described('The `browser_id` of one of the browsers that GET lists.')
  @Matches(/^[0-9a-f]{64}$/, { message: 'The browser_id of a browser is expected.' })
  browser!: string;
}
