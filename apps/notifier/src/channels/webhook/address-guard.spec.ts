import { isPublicAddress, readDestination } from './address-guard';

test.each([
  '93.184.216.34',
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00:1450:4001:80e::200e',
  '2001:4860:4860::8888',
])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));

test.each([
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.0.1'],
  ...['198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.1.1.1', '240.0.0.1'],
  ...['255.255.255.255', '::', '::1', '::127.0.0.1', '::8.8.8.8', '::ffff:127.0.0.1', '::ffff:8.8.8.8'],
  ...['::ffff:7f00:1', '::ffff:0:127.0.0.1', '64:ff9b::127.0.0.1', '64:ff9b::8.8.8.8', '64:ff9b:1::7f00:1'],
  ...['100::1', '100:0:0:1::1', '2001::1', '2001:2::1', '2001:10::1', '2001:20::1', '2001:db8::1'],
  ...['2002:7f00:1::', '2002:808:808::1', '3fff::1', '5f00::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%1'],
  ...['febf::1', 'fec0::1', 'ff02::1', '4000::1', '1::1'],
  // no resolver returns these: each is another spelling of an address, or no address
  ...[
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '134744072',
    '8.8.8.8%1',
    '2606:4700::1111%lo',
    '',
    'localhost',
  ],
])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));

const fault = (address: string, allowPrivate = false) => {
  const destination = readDestination(address, allowPrivate);
  return 'fault' in destination ? (destination.blocked ? 'blocked' : 'invalid') : destination.url.href;
};

test('an address is short enough also with its characters encoded, because it is stored so', () => {
  expect(fault(`https://hooks.example.com/${'漢'.repeat(219)}`)).toMatch(/^https:/);
  expect(fault(`https://hooks.example.com/${'漢'.repeat(220)}`)).toBe('invalid');
});

test('an address is https on 443 or 8443, of a name, without a user; the host is in ASCII', () => {
  expect(fault('https://hooks.example.com/a?b=c#d')).toBe('https://hooks.example.com/a?b=c');
  expect(fault('https://hooks.example.com:8443/')).toBe('https://hooks.example.com:8443/');
  expect(fault('https://BÜCHER.example/')).toBe('https://xn--bcher-kva.example/');
  expect(fault('http://hooks.example.com/')).toBe('blocked');
  expect(fault('https://hooks.example.com:22/')).toBe('blocked');
  expect(fault('https://93.184.216.34/')).toBe('blocked');
  expect(fault('https://ana:secret@hooks.example.com/')).toBe('invalid');
  expect(fault('https://ana@hooks.example.com/')).toBe('invalid');
  for (const address of [
    '',
    'hooks.example.com',
    'ftp://hooks.example.com/',
    'javascript:alert(1)',
    'https://',
    'https://a b/',
  ])
    expect([address, fault(address)]).toEqual([address, 'invalid']);
  expect(fault(`https://hooks.example.com/${'a'.repeat(2_000)}`)).toBe('invalid');
  expect(
    fault(`https://${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}/`),
  ).toBe('invalid');
});

test('where private addresses are allowed, scheme, port and host are free, and a user is not', () => {
  expect(fault('http://127.0.0.1:8080/a', true)).toBe('http://127.0.0.1:8080/a');
  expect(fault('http://ana:secret@127.0.0.1/', true)).toBe('invalid');
  expect(fault('file:///etc/passwd', true)).toBe('invalid');
});
