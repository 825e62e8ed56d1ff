import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { aTenant, eventually, heardHints } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { NatsEventBus } from './bus/event-bus.nats';
import { NatsConnection } from './connection';

const INFO = { server_id: 'x', version: '2.10.0', proto: 1, max_payload: 1_048_576, headers: true, client_id: 1 };

/** A NATS server as far as a client of the bus asks it. It refuses what a test says. */
class RefusingNats {
  refuses: 'clients' | 'subscriptions' | 'nothing' = 'nothing';
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    socket.write(`INFO ${JSON.stringify(INFO)}\r\n`);
    socket.on('data', (bytes: Buffer) => {
      for (const line of bytes.toString().split('\r\n')) this.answer(socket, line);
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
    return `nats://u:canary@127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((closed) => this.server.close(closed));
  }

  private answer(socket: Socket, line: string): void {
    const [command, subject] = line.split(' ');
    if (command === 'CONNECT' && this.refuses === 'clients') socket.end(`-ERR 'Authorization Violation'\r\n`);
    if (command === 'SUB' && this.refuses === 'subscriptions')
      socket.write(`-ERR 'Permissions Violation for Subscription to "${subject}"'\r\n`);
    if (command === 'PING') socket.write('PONG\r\n');
  }
}

describe('a NATS that refuses', () => {
  let nats: RefusingNats;
  let connection: NatsConnection;
  beforeEach(async () => {
    nats = new RefusingNats();
    connection = new NatsConnection({ url: await nats.listen(), name: 'test' });
  });
  afterEach(async () => {
    await connection.close();
    await nats.close();
  });

  it('its clients is the cause of what fails, at the start and after a connection', async () => {
    const causeIs = (message: string) =>
      eventually(async () => {
        const failure: unknown = await connection.run('bus', 500, (client) => client.flush()).catch((error) => error);
        expect(failure).toMatchObject({ name: 'Unavailable', cause: { message: expect.stringContaining(message) } });
      });
    nats.refuses = 'clients';
    await causeIs('Authorization Violation');
    nats.refuses = 'nothing';
    await eventually(() => connection.run('bus', 500, (client) => client.flush()));
    nats.refuses = 'clients';
    nats.cut();
    await causeIs('Authorization Violation');
  });

  it('a subscription lets no hints arrive, which is told once, until a new connection may have it', async () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) };
    const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
    const hintKey = 'the key of all tests, which is no secret';
    const log = createLogger({ app: 'test', destination });
    const bus = new NatsEventBus({ prefix: '', hintKey }, connection, log, metrics);
    const gauge = async () => (await metrics.busUp.get()).values[0]!.value;
    connection.open();
    await eventually(async () => expect(await gauge()).toBe(1));

    nats.refuses = 'subscriptions';
    const heard = heardHints();
    const subscriptions = [await bus.subscribe(aTenant(), heardHints()), await bus.subscribe(aTenant(), heardHints())];
    for (const subscription of subscriptions) subscription.close();
    // the end of the last subscription does not show that the next one is allowed
    expect([bus.connected, await gauge()]).toEqual([false, 0]);
    await bus.subscribe(aTenant(), heard);
    expect([bus.connected, await gauge(), heard.resumed]).toEqual([false, 0, 0]);
    expect(lines).toEqual(['hints do not arrive: NATS refuses the subscription']);

    nats.refuses = 'nothing';
    nats.cut();
    await eventually(() => expect(heard.resumed).toBe(1));
    expect([bus.connected, await gauge()]).toEqual([true, 1]);
    expect(lines.at(-1)).toBe('hints arrive again');
    bus.close();
  });
});
