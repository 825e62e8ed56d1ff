import { clientAddress } from './client-address';

const from = (remoteAddress: string | undefined, forwarded?: string, trustedProxies = 0) =>
  clientAddress(
    { headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }, socket: { remoteAddress } },
    trustedProxies,
  );

describe("a client's address", () => {
  test("is the socket's where no proxy is trusted, and the header is ignored", () => {
    expect(from('192.0.2.7', '203.0.113.1')).toBe('192.0.2.7');
    expect(from('192.0.2.7')).toBe('192.0.2.7');
  });

  test.each([
    [1, '203.0.113.1', '203.0.113.1'],
    [1, '10.9.9.9, 203.0.113.1', '203.0.113.1'],
    [2, '10.9.9.9, 203.0.113.1, 198.51.100.4', '203.0.113.1'],
    [2, '10.9.9.9,203.0.113.1 ,198.51.100.4', '203.0.113.1'],
  ])('is what the outermost of %d trusted proxies saw: %s', (proxies, forwarded, address) => {
    expect(from('10.0.0.1', forwarded, proxies)).toBe(address);
  });

  test.each([
    ['a list that did not pass every proxy', 3, '203.0.113.1, 198.51.100.4'],
    ['no list', 1, undefined],
    ['an empty one', 1, ''],
    ['an entry that is no address', 1, '203.0.113.1, unknown'],
    ['an entry that is the key of a user', 1, 'user:42'],
    ['an address that is too long', 1, '1.2.3.4.5'],
  ])("is the socket's behind %s", (_, proxies, forwarded) => {
    expect(from('10.0.0.1', forwarded, proxies)).toBe('10.0.0.1');
  });

  test.each(['203.0.113.1:4711', '::ffff:203.0.113.1', '::ffff:cb00:7101', '[::ffff:203.0.113.1]:443'])(
    'is IPv4 however it is written: %s',
    (written) => {
      expect(from('10.0.0.1', written, 1)).toBe('203.0.113.1');
    },
  );

  test.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::1]:443', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('is the /64 of an IPv6 address: %s', (written, network) => {
    expect(from('10.0.0.1', written, 1)).toBe(network);
  });

  test('of a mapped socket is the IPv4 address, and of a socket that is gone unknown', () => {
    expect(from('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(from(undefined)).toBe('unknown');
  });
});
