import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from './fault-proxy';
import { RespSplitter } from './resp';

/** A server that says back what it hears, and a client of it through the proxy. */
class Echo {
  readonly sockets: Socket[] = [];
  readonly heard: Buffer[] = [];
  private readonly server: Server = createServer((socket) => {
    this.sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      this.heard.push(bytes);
      socket.write(bytes);
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `tcp://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

class Client {
  text = '';
  ended = false;
  error: NodeJS.ErrnoException | undefined;
  readonly closed: Promise<unknown>;

  constructor(readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => (this.text += bytes.toString('latin1')));
    socket.on('end', () => (this.ended = true));
    socket.on('error', (error) => (this.error = error));
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  says(text: string): Promise<void> {
    return eventually(() => expect(this.text).toBe(text));
  }
}

describe('the fault proxy', () => {
  let echo: Echo;
  let url: string;
  let proxy: FaultProxy;
  const clients: Client[] = [];

  beforeEach(async () => {
    echo = new Echo();
    url = await echo.listen();
    proxy = await FaultProxy.to(url);
  });
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await proxy.close();
    await echo.close();
  });

  async function dial(through = proxy): Promise<Client> {
    const { hostname, port } = new URL(through.via(url));
    const client = new Client(connect(Number(port), hostname));
    clients.push(client);
    await once(client.socket, 'connect');
    await eventually(() => expect(through.connections.length).toBeGreaterThan(0));
    return client;
  }

  it('passes both directions, and the end of each', async () => {
    const client = await dial();
    client.socket.write('hello');
    await client.says('hello');
    client.socket.end();
    await client.closed;
    expect(client.ended).toBe(true);
    await eventually(() => expect(proxy.connections).toHaveLength(0));
  });

  it('knows a connection by what it said first', async () => {
    (await dial()).socket.write('SUBSCRIBE alerts');
    (await dial()).socket.write('PING');
    await eventually(() => expect(proxy.thatSent(/SUBSCRIBE/)).toHaveLength(1));
    expect(proxy.connections).toHaveLength(2);
  });

  it('delays what passes, and does not add one delay to the next', async () => {
    const client = await dial();
    proxy.connections[0]!.latency(300, 'to_client');
    const startedAt = performance.now();
    for (const letter of 'abcdefgh') {
      client.socket.write(letter);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await client.says('abcdefgh');
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThanOrEqual(299);
    // one after the other the eight would take 2,400
    expect(tookMs).toBeLessThan(2_000);
  });

  it('lets through so many bytes a second', async () => {
    const client = await dial();
    proxy.connections[0]!.throttle(10_000, 'to_client');
    const startedAt = performance.now();
    client.socket.write('x'.repeat(3_000));
    await client.says('x'.repeat(3_000));
    expect(performance.now() - startedAt).toBeGreaterThan(240);
  });

  it('swallows one direction in silence, and brings it when healed', async () => {
    const client = await dial();
    const [connection] = proxy.connections;
    connection!.blackhole('to_client');
    client.socket.write('one');
    await eventually(() => expect(Buffer.concat(echo.heard).toString()).toBe('one'));
    expect(client.text).toBe('');
    expect(client.socket.destroyed).toBe(false);
    connection!.heal();
    await client.says('one');
  });

  it('takes the server away and does not tell the client', async () => {
    const client = await dial();
    client.socket.write('one');
    await client.says('one');
    proxy.connections[0]!.halfOpen();
    await eventually(() => expect(echo.sockets[0]!.destroyed).toBe(true));
    client.socket.write('two');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(client).toMatchObject({ text: 'one', ended: false, error: undefined });
    expect(proxy.connections[0]!.open).toBe(true);
  });

  it('resets', async () => {
    const client = await dial();
    client.socket.write('one');
    await client.says('one');
    proxy.connections[0]!.reset();
    await client.closed;
    expect(client.error?.code).toBe('ECONNRESET');
  });

  it('cuts after so many bytes, which all arrive', async () => {
    const client = await dial();
    proxy.connections[0]!.cutAfter(5, 'to_client');
    client.socket.write('abc');
    await client.says('abc');
    client.socket.write('defgh');
    await client.closed;
    expect(client.text).toBe('abcde');
  });

  it('cuts right behind a pattern, also one that came in two pieces', async () => {
    const client = await dial();
    proxy.connections[0]!.cutOn(/COMM?IT/, 'to_server');
    client.socket.write('begin; COM');
    await client.says('begin; COM');
    client.socket.write('MIT; select');
    await client.closed;
    expect(Buffer.concat(echo.heard).toString()).toBe('begin; COMMIT');
  });

  it('cuts at the next match, not at one that had passed before', async () => {
    const client = await dial();
    client.socket.write('COMMIT;');
    await client.says('COMMIT;');
    proxy.connections[0]!.cutOn(/COMMIT/, 'to_server');
    client.socket.write('begin; COMMIT; select');
    await client.closed;
    expect(Buffer.concat(echo.heard).toString()).toBe('COMMIT;begin; COMMIT');
  });

  it('refuses new connections and keeps those there are', async () => {
    const client = await dial();
    proxy.refuse();
    const { hostname, port } = new URL(proxy.via(url));
    const refused = new Client(connect(Number(port), hostname));
    clients.push(refused);
    await refused.closed;
    client.socket.write('still here');
    await client.says('still here');
  });

  it('leads new connections elsewhere when it is told to', async () => {
    const other = new Echo();
    const client = await dial();
    client.socket.write('one');
    await client.says('one');
    proxy.leadTo(await other.listen());
    const later = await dial();
    later.socket.write('two');
    await later.says('two');
    expect([echo, other].map(({ heard }) => Buffer.concat(heard).toString())).toEqual(['one', 'two']);
    later.socket.destroy();
    await other.close();
  });

  it('is silent on every connection, also on one that is new, until it is told to go on', async () => {
    const before = await dial();
    proxy.silence();
    const during = await dial();
    for (const client of [before, during]) client.socket.write('one');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([before.text, during.text, echo.heard.length]).toEqual(['', '', 0]);
    proxy.silence(false);
    await Promise.all([before.says('one'), during.says('one')]);
  });

  it("speaks in the server's name, and says how the server knows a connection", async () => {
    const client = await dial();
    proxy.inject(Buffer.from('news'));
    await client.says('news');
    await eventually(() => expect(echo.sockets).toHaveLength(1));
    expect(proxy.ports).toEqual([echo.sockets[0]!.remotePort]);
  });

  it('loses exactly the messages that it was told to, and nothing of those around them', async () => {
    const resp = await FaultProxy.to(url, { framing: 'resp' });
    const client = await dial(resp);
    const order = resp.dropMessages(/alerts:/, 1);
    const message = (text: string) => `>3\r\n$7\r\nmessage\r\n$8\r\nalerts:a\r\n$${text.length}\r\n${text}\r\n`;
    // as a server that happens to echo would send it, in pieces that end anywhere
    const sent = `+OK\r\n${message('one')}${message('two')}:1\r\n`;
    for (let at = 0; at < sent.length; at += 7) {
      client.socket.write(sent.slice(at, at + 7));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await client.says(`+OK\r\n${message('two')}:1\r\n`);
    expect(order.dropped).toBe(1);
    await resp.close();
  });
});

describe('replies of Redis', () => {
  const replies = [
    '+OK\r\n',
    '$-1\r\n',
    '*-1\r\n',
    '$5\r\na\r\nb\n\r\n',
    '*2\r\n*1\r\n:1\r\n$0\r\n\r\n',
    '%1\r\n+k\r\n:2\r\n',
    '_\r\n',
    '|1\r\n+k\r\n+v\r\n*0\r\n',
    '>2\r\n+a\r\n,1.5\r\n',
  ];

  it('are cut where they end, wherever the bytes are', () => {
    const bytes = Buffer.from(replies.join(''));
    for (const size of [1, 2, 3, 5, 8, 13, bytes.length]) {
      const splitter = new RespSplitter();
      const found: string[] = [];
      for (let at = 0; at < bytes.length; at += size)
        found.push(...splitter.push(bytes.subarray(at, at + size)).map(String));
      expect(found).toEqual(replies);
    }
  });

  it('are none of another protocol', () => {
    expect(() => new RespSplitter().push(Buffer.from('HTTP/1.1 200 OK\r\n'))).toThrow(/Not a reply/);
  });
});
