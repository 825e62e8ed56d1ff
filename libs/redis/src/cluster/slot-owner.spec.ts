import { createServer, type AddressInfo, type Server } from 'node:net';
import { SlotOwner } from './slot-owner';

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed)))));

/** A node that says who owns the slots 0 to 99; the prefix of the test is in slot 42. Silent: it answers nothing. */
async function node(owner: string | 'silent', ranges = `*3\r\n:0\r\n:99\r\n`): Promise<string> {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(owner) ?? [];
  const slots = `*1\r\n${ranges}*3\r\n$${host.length}\r\n${host}\r\n:${port}\r\n$1\r\nn\r\n`;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      if (owner === 'silent') return;
      // each command of the client begins with its number of words
      for (const command of bytes
        .toString()
        .split(/^\*\d+\r\n/m)
        .slice(1))
        socket.write(/KEYSLOT/i.test(command) ? ':42\r\n' : /SLOTS/i.test(command) ? slots : '+OK\r\n');
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const find = async (...nodes: Promise<string>[]) => new SlotOwner(await Promise.all(nodes), '{t}').find();

test('the owner is the node that most of the nodes name, whatever one says that was cut off', async () => {
  expect(await find(node('old:1'), node('new:2'), node('new:2'))).toEqual({ host: 'new', port: 2 });
});

test('a node that stands still delays the answer by a second when the others are too few, and not when they agree', async () => {
  const since = performance.now();
  expect(await find(node('silent'), node('a:1'), node('a:1'))).toEqual({ host: 'a', port: 1 });
  expect(performance.now() - since).toBeLessThan(900);
  expect(await find(node('silent'), node('a:1'))).toEqual({ host: 'a', port: 1 });
});

test('an owner without a host is where it was asked, and an address may be one of IPv6', async () => {
  expect(await find(node(':7000'))).toEqual({ host: '127.0.0.1', port: 7_000 });
  expect(await find(node('::1:7000'))).toEqual({ host: '::1', port: 7_000 });
});

test('it is not known while no node answers, or none knows an owner of the slot', async () => {
  await expect(find(node('silent'))).rejects.toThrow('names the owner');
  await expect(find(node('a:1', `*3\r\n:43\r\n:99\r\n`))).rejects.toThrow('names the owner');
  await expect(find(Promise.resolve('redis://127.0.0.1:1'))).rejects.toThrow('names the owner');
});
