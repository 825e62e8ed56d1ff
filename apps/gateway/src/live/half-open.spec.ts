import { once } from 'node:events';
import { readFileSync, existsSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { peerKey, silentPeers } from './half-open';

const line = (remote: string, retransmits: string) =>
  `   1: 0100007F:1F40 ${remote} 01 00000000:00000000 01:00000014 ${retransmits}     0        0 1 2 0000000000000000 20 4 30 10 -1`;

it('only a peer that has not answered for six retransmits is silent', () => {
  const list = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt',
    line('0100007F:C350', '00000006'),
    line('0100007F:C351', '00000005'),
    line('0100007F:C352', '0000000A'),
    '',
  ].join('\n');
  expect(silentPeers(list)).toEqual(['0100007F:C350', '0100007F:C352']);
});

it.each([
  ['127.0.0.1', 50_000, '0100007F:C350'],
  ['192.168.1.20', 80, '1401A8C0:0050'],
  ['::1', 1, '00000000000000000000000001000000:0001'],
  ['::ffff:127.0.0.1', 50_000, '0000000000000000FFFF00000100007F:C350'],
  ['2001:db8::ff', 443, 'B80D0120000000000000000000FF0000:01BB'.replace('00FF0000', 'FF000000')],
])('%s port %d is %s to the kernel', (remoteAddress, remotePort, key) => {
  expect(peerKey({ remoteAddress, remotePort })).toBe(key);
});

const onLinux = existsSync('/proc/net/tcp') ? it : it.skip;
onLinux('the name of a real connection stands in the list of the kernel', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  expect(readFileSync('/proc/net/tcp', 'latin1')).toContain(` ${peerKey(socket)} `);
  client.destroy();
  socket.destroy();
  server.close();
});
