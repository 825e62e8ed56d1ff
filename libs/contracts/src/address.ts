import type { Channel } from './wire';

/**
 * The longest address, in bytes: an e-mail address has at most 254 characters, and a URL should stay below this.
 * Addresses are parts of keys in the database. One of this length and the other parts of its key have room in a row of
 * an index, which takes 2,704 bytes.
 */
export const MAX_ADDRESS_BYTES = 2_000;

/** The addresses of one channel. */
interface Addresses {
  /** What one looks like, for a person. */
  words: string;
  /**
   * Whether a recipient is of this kind. It may still be malformed: then sending it fails, which is on record, while a
   * recipient of no kind is told over no channel.
   */
  isKind(recipient: string): boolean;
  /** Whether one of this kind is well-formed. */
  isWellFormed(address: string): boolean;
}

const PHONE_NUMBERS: Addresses = {
  words: 'a phone number in E.164, such as +4915112345678',
  isKind: isPhoneNumber,
  isWellFormed: () => true,
};

/** The one table of what an address of each channel looks like. */
const ADDRESSES: Readonly<Record<Channel, Addresses>> = {
  email: {
    words: 'an e-mail address',
    // no colon: `user:ana@example.com` is a user and no address
    isKind: (recipient) => /^[^\s@:]+@[^\s@]+$/.test(recipient),
    isWellFormed: (address) => address.length <= 254 && /^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\]+$/.test(address),
  },
  sms: PHONE_NUMBERS,
  whatsapp: PHONE_NUMBERS,
  webhook: {
    words: 'an http or https address without a user and password',
    isKind: (recipient) => URL.canParse(recipient) && /^https?:$/.test(new URL(recipient).protocol),
    isWellFormed: isWebAddress,
  },
  push: {
    words: 'user:<user id>',
    isKind: (recipient) => /^user:[^\s]+$/.test(recipient),
    isWellFormed: () => true,
  },
};

/** What an address of a channel looks like, for a person. */
export const addressOf = (channel: Channel): string => ADDRESSES[channel].words;

/** Whether a channel can be meant by a recipient: an e-mail address is not told by SMS. */
export const reaches = (channel: Channel, recipient: string): boolean => ADDRESSES[channel].isKind(recipient);

/** Stands for the part of an address that is not shown. */
const NOT_SHOWN = '/…';

/**
 * An address as it is shown to those who may not use it: of a webhook only the scheme and host, since with chats the
 * rest is the credential. The result is no valid address, so it cannot be stored in place of the whole one.
 */
export const addressForReaders = (address: string): string =>
  reaches('webhook', address) ? `${new URL(address).origin}${NOT_SHOWN}` : address;

/**
 * Whether an address is well-formed for a channel. Whether the address exists is not checked: the provider says that
 * when a message is sent.
 */
export const isAddressOf = (channel: Channel, address: string): boolean =>
  // a line break in an address could end up in a header
  Buffer.byteLength(address) <= MAX_ADDRESS_BYTES &&
  !/\p{C}/u.test(address) &&
  ADDRESSES[channel].isKind(address) &&
  ADDRESSES[channel].isWellFormed(address);

/** E.164: a plus, a country code, at most 15 digits. */
function isPhoneNumber(address: string): boolean {
  return /^\+[1-9]\d{6,14}$/.test(address);
}

function isWebAddress(address: string): boolean {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address) || address.endsWith(NOT_SHOWN)) return false;
  const { username, password, hash, href } = new URL(address);
  // it is also stored as `href`, in which a character may take twelve bytes
  return username === '' && password === '' && hash === '' && href.length <= MAX_ADDRESS_BYTES;
}
