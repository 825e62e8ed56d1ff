import type { Channel } from './wire';

/** The longest address, in characters: an e-mail address has at most 254, and a URL should stay below this. */
const MAX_ADDRESS = 2_000;

/** The form of an address of each channel, in words for people. */
export const ADDRESS_OF: Readonly<Record<Channel, string>> = {
  email: 'an e-mail address',
  sms: 'a phone number in E.164, such as +4915112345678',
  whatsapp: 'a phone number in E.164, such as +4915112345678',
  webhook: 'an http or https address without a user and password',
  push: 'user:<user id>',
};

const FITS: Readonly<Record<Channel, (address: string) => boolean>> = {
  // no colon: `user:ana@example.com` is a user and no address
  email: (address) => address.length <= 254 && /^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\]+$/.test(address),
  sms: isPhoneNumber,
  whatsapp: isPhoneNumber,
  webhook: isWebAddress,
  push: (address) => /^user:[^\s]+$/.test(address),
};

/**
 * Whether an address is well-formed for a channel. Whether the address exists is not checked: the provider says that
 * when a message is sent.
 */
export const isAddressOf = (channel: Channel, address: string): boolean =>
  // a line break in an address could end up in a header
  address.length <= MAX_ADDRESS && !/\p{C}/u.test(address) && FITS[channel](address);

/** E.164: a plus, a country code, at most 15 digits. */
function isPhoneNumber(address: string): boolean {
  return /^\+[1-9]\d{6,14}$/.test(address);
}

function isWebAddress(address: string): boolean {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return false;
  const { username, password, hash } = new URL(address);
  return username === '' && password === '' && hash === '';
}
