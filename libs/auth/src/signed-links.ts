import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { isTenantId, type TenantId } from '@tocsin/contracts';
import type { LinkKey } from '@tocsin/contracts/ports';
import { CHANNELS, type Channel } from '@tocsin/contracts/wire';

/** The content of a link in a message: its purpose, its recipient, and the alert. */
export interface MessageLink {
  purpose: LinkPurpose;
  tenant_id: TenantId;
  /** The channel and the address to which the message went. */
  channel: Channel;
  address: string;
  /** The alert that `acknowledge` is about; null with `unsubscribe`. */
  alert_id: string | null;
}

/**
 * How long a link works, in milliseconds, by its purpose. An acknowledgement matters for some days. The unsubscribe
 * link of a mail must work for a long time (some countries require at least 30 days).
 */
export const LINK_LIFETIMES_MS = {
  acknowledge: 7 * 86_400_000,
  unsubscribe: 365 * 86_400_000,
} as const;
export type LinkPurpose = keyof typeof LINK_LIFETIMES_MS;

/** The result of reading a link. */
export type ReadLink = { ok: true; link: MessageLink } | { ok: false; reason: 'invalid' | 'expired' };

/** The longest token. An address of 320 characters with four bytes each fits, in base64url. Longer ones are refused. */
const MAX_TOKEN_CHARACTERS = 4_096;
const VERSION = 1;

/**
 * Signs the links in messages, and reads them when they are followed. A link is a credential for one purpose, tenant,
 * channel and address: its holder may use it until it expires. Its recipient can be read in it. It is signed with
 * HMAC-SHA256. The key is derived for each purpose from the key in the database.
 */
export class SignedLinks {
  private keys: Promise<Readonly<Record<LinkPurpose, Buffer>>> | undefined;

  constructor(
    private readonly kept: Pick<LinkKey, 'read'>,
    private readonly now: () => number = Date.now,
  ) {}

  /** The token of a link. Its characters need no encoding in an address. Throws `Unavailable` without a key. */
  async sign({ purpose, tenant_id, channel, address, alert_id }: MessageLink): Promise<string> {
    const expiresAtS = Math.ceil((this.now() + LINK_LIFETIMES_MS[purpose]) / 1_000);
    const said = Buffer.from(JSON.stringify([VERSION, purpose, tenant_id, channel, address, alert_id, expiresAtS]));
    const keys = await this.findKeys();
    return `${said.toString('base64url')}.${signatureOf(said, keys[purpose]).toString('base64url')}`;
  }

  /**
   * Reads a token for `purpose`. A token for another purpose is invalid. Throws `Unavailable` without a key.
   */
  async read(token: string, purpose: LinkPurpose): Promise<ReadLink> {
    const invalid = { ok: false, reason: 'invalid' } as const;
    const [body = '', signature = '', ...more] = token.length > MAX_TOKEN_CHARACTERS ? [] : token.split('.');
    if (!body || !signature || more.length > 0) return invalid;
    const said = Buffer.from(body, 'base64url');
    const given = Buffer.from(signature, 'base64url');
    const expected = signatureOf(said, (await this.findKeys())[purpose]);
    // `timingSafeEqual` throws when the lengths differ
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return invalid;
    const [version, named, tenant_id, channel, address, alert_id, expiresAtS] = JSON.parse(
      said.toString(),
    ) as unknown[];
    // the signature proves this form only for this version: a later one may sign another form with the same key
    if (
      version !== VERSION ||
      named !== purpose ||
      !isTenantId(tenant_id) ||
      !CHANNELS.some((known) => known === channel) ||
      typeof address !== 'string' ||
      !(alert_id === null || typeof alert_id === 'string') ||
      typeof expiresAtS !== 'number'
    )
      return invalid;
    if (expiresAtS * 1_000 <= this.now()) return { ok: false, reason: 'expired' };
    return { ok: true, link: { purpose, tenant_id, channel: channel as Channel, address, alert_id } };
  }

  private findKeys(): Promise<Readonly<Record<LinkPurpose, Buffer>>> {
    this.keys ??= this.kept.read().then(
      (kept) => ({ acknowledge: keyFor('acknowledge', kept), unsubscribe: keyFor('unsubscribe', kept) }),
      (error: unknown) => {
        // the next caller reads the key again
        this.keys = undefined;
        throw error;
      },
    );
    return this.keys;
  }
}

const keyFor = (purpose: LinkPurpose, kept: string): Buffer =>
  Buffer.from(hkdfSync('sha256', kept, '', `tocsin link to ${purpose} v1`, 32));

const signatureOf = (said: Buffer, key: Buffer): Buffer => createHmac('sha256', key).update(said).digest();
