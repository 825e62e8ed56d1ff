import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { isTenantId, type TenantId } from '@tocsin/contracts';
import type { LinkKey } from '@tocsin/contracts/ports';
import { CHANNELS, type Channel } from '@tocsin/contracts/wire';

/** What a link in a message lets its recipient do, and whose. */
export interface MessageLink {
  purpose: LinkPurpose;
  tenant_id: TenantId;
  /** The message went over this channel to this address. */
  channel: Channel;
  address: string;
  /** The alert that `acknowledge` is about; null with `unsubscribe`. */
  alert_id: string | null;
}

/**
 * How long a link works, in milliseconds, by what it does. An acknowledgement is of the day; whoever receives a mail may
 * stop the next one for a long time (the law of some countries says at least 30 days).
 */
export const LINK_LIFETIMES_MS = {
  acknowledge: 7 * 86_400_000,
  unsubscribe: 365 * 86_400_000,
} as const;
export type LinkPurpose = keyof typeof LINK_LIFETIMES_MS;

/** What became of a link that was followed. */
export type ReadLink = { ok: true; link: MessageLink } | { ok: false; reason: 'invalid' | 'expired' };

/** An address of 320 characters, each of four bytes, in base64url, and the rest. Longer ones are not looked at. */
const MAX_TOKEN_CHARACTERS = 4_096;
const VERSION = 1;

/**
 * Signs the links in messages, and reads them when they come back. A link is a right by itself, for one purpose, tenant,
 * channel and address: whoever holds it may do what it says, as long as it says. It names its recipient in the clear
 * and is signed with HMAC-SHA256 by a key that is derived, for each purpose, from the key that the database keeps.
 */
export class SignedLinks {
  private keys: Promise<Readonly<Record<LinkPurpose, Buffer>>> | undefined;

  constructor(
    private readonly kept: Pick<LinkKey, 'read'>,
    private readonly now: () => number = Date.now,
  ) {}

  /** The token of a link, of characters that stand in an address as they are. Throws `Unavailable` without a key. */
  async sign({ purpose, tenant_id, channel, address, alert_id }: MessageLink): Promise<string> {
    const expiresAtS = Math.ceil((this.now() + LINK_LIFETIMES_MS[purpose]) / 1_000);
    const said = Buffer.from(JSON.stringify([VERSION, purpose, tenant_id, channel, address, alert_id, expiresAtS]));
    const keys = await this.findKeys();
    return `${said.toString('base64url')}.${signatureOf(said, keys[purpose]).toString('base64url')}`;
  }

  /**
   * Reads a token that is to serve `purpose`; one for another purpose is invalid. Throws `Unavailable` without a key.
   */
  async read(token: string, purpose: LinkPurpose): Promise<ReadLink> {
    const invalid = { ok: false, reason: 'invalid' } as const;
    const [body = '', signature = '', ...more] = token.length > MAX_TOKEN_CHARACTERS ? [] : token.split('.');
    if (!body || !signature || more.length > 0) return invalid;
    const said = Buffer.from(body, 'base64url');
    const given = Buffer.from(signature, 'base64url');
    const expected = signatureOf(said, (await this.findKeys())[purpose]);
    // `timingSafeEqual` throws for two lengths
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return invalid;
    const [version, named, tenant_id, channel, address, alert_id, expiresAtS] = JSON.parse(
      said.toString(),
    ) as unknown[];
    // what we have signed has this form; a later version may sign another one with the same key
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
        // the next one asks again
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
