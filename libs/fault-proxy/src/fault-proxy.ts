import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Lane, matches, type Pattern } from './lane';
import { RespSplitter } from './resp';

export type { Pattern } from './lane';
type Direction = 'to_server' | 'to_client';

interface ProxyOptions {
  /** `resp`: the server's bytes are cut into whole replies, so that `dropMessages` can remove one. */
  framing?: 'bytes' | 'resp';
}

/** An order to drop messages on their way to clients. */
interface DropOrder {
  /** How many messages were dropped so far. */
  dropped: number;
  cancel(): void;
}

/**
 * One connection through the proxy. A fault of a direction lasts until `heal`. Without a direction it applies to both.
 */
export class ProxiedConnection {
  private readonly lanes: Record<Direction, Lane>;
  private upstreamGone = false;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    split: ((bytes: Buffer) => Buffer[]) | undefined,
    drops: (unit: Buffer) => boolean,
    onClose: (connection: ProxiedConnection) => void,
  ) {
    const cut = () => this.cut();
    this.lanes = {
      to_server: new Lane(client, server, { drops: () => false, cut }),
      to_client: new Lane(server, client, { split, drops, cut }),
    };
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.on('close', () => {
      server.destroy();
      onClose(this);
    });
    server.on('close', () => this.upstreamGone || client.destroy());
  }

  get open(): boolean {
    return !this.client.destroyed;
  }

  /** The client port that the server sees. */
  get port(): number {
    return this.server.localPort!;
  }

  /** Whether the first bytes from the client (4 KiB) match: a subscriber is recognised by its SUBSCRIBE. */
  sent(pattern: Pattern): boolean {
    return matches(this.lanes.to_server.opening, pattern);
  }

  carriedBytes(direction: Direction): number {
    return this.lanes[direction].carriedBytes;
  }

  latency(ms: number, direction?: Direction): void {
    for (const lane of this.of(direction)) lane.latencyMs = ms;
  }

  throttle(bytesPerSecond: number, direction?: Direction): void {
    for (const lane of this.of(direction)) lane.bytesPerSecond = bytesPerSecond;
  }

  /** Passes no bytes and closes nothing, silently. */
  blackhole(direction?: Direction): void {
    for (const lane of this.of(direction)) lane.blackhole();
  }

  /** Cuts the connection once this many more bytes have passed. */
  cutAfter(bytes: number, direction: Direction): void {
    this.lanes[direction].bytesLeft = bytes;
  }

  /** Cuts the connection right behind the first match. */
  cutOn(pattern: Pattern, direction: Direction): void {
    this.lanes[direction].cutPattern = pattern;
  }

  /** The server's side is closed and the client is not told: its bytes are discarded. */
  halfOpen(): void {
    this.upstreamGone = true;
    this.lanes.to_server.discards = true;
    this.server.destroy();
  }

  /** Sends bytes to the client as if the server had sent them. */
  inject(bytes: Buffer): void {
    this.client.write(bytes);
  }

  /** Ends both sides with RST. */
  reset(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  /** Ends both sides, even in the middle of a message. */
  cut(): void {
    this.client.destroy();
    this.server.destroy();
  }

  /** Removes latency, throttle, black hole and pending cuts. */
  heal(): void {
    for (const lane of this.of(undefined)) lane.heal();
  }

  private of(direction: Direction | undefined): Lane[] {
    return direction ? [this.lanes[direction]] : [this.lanes.to_server, this.lanes.to_client];
  }
}

/**
 * A proxy between a client and a real server, with a handle on each connection. It breaks the real network, where a
 * mock of a driver would break only as its author imagined. Without a fault it passes everything.
 */
export class FaultProxy {
  /** The open connections, the oldest first. */
  readonly connections: ProxiedConnection[] = [];
  /** How many connections were ever accepted. */
  accepted = 0;
  /** Called with each new connection before its first byte passes, to set faults for later connections. */
  onConnection: (connection: ProxiedConnection) => void = () => undefined;
  private refusing = false;
  private silent = false;
  private readonly orders = new Set<DropOrder & { takes(unit: Buffer): boolean }>();

  private constructor(
    private readonly listener: Server,
    private target: { host: string; port: number },
    private readonly options: ProxyOptions,
  ) {
    listener.on('connection', (client) => this.join(client));
  }

  static async to(url: string, options: ProxyOptions = {}): Promise<FaultProxy> {
    const proxy = new FaultProxy(createServer({ allowHalfOpen: true }), targetOf(url), options);
    await new Promise<void>((resolve) => proxy.listener.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** From now on new connections go to another server, as those to a virtual address after a failover. */
  leadTo(url: string): void {
    this.target = targetOf(url);
  }

  /** The same address through the proxy. */
  via(url: string): string {
    const proxied = new URL(url);
    proxied.hostname = '127.0.0.1';
    proxied.port = String((this.listener.address() as AddressInfo).port);
    return proxied.href;
  }

  /** The client ports that the server sees. */
  get ports(): number[] {
    return this.connections.map(({ port }) => port);
  }

  /** The open connections whose first bytes from the client match. */
  thatSent(pattern: Pattern): ProxiedConnection[] {
    return this.connections.filter((connection) => connection.sent(pattern));
  }

  /** Drops the next `count` matching replies, each as a whole, on any connection. Needs the framing `resp`. */
  dropMessages(pattern: Pattern, count = Infinity): DropOrder {
    if (this.options.framing !== 'resp') throw new Error('Messages can be told apart with the framing resp only.');
    const order = {
      dropped: 0,
      takes(unit: Buffer) {
        if (this.dropped >= count || !matches(unit.toString('latin1'), pattern)) return false;
        this.dropped += 1;
        return true;
      },
      cancel: () => void this.orders.delete(order),
    };
    this.orders.add(order);
    return order;
  }

  /** Ends every connection. New ones are accepted. */
  cut(): void {
    for (const connection of [...this.connections]) connection.cut();
  }

  /** From now on new connections are ended at once, with RST. `false` accepts them again. */
  refuse(refusing = true): void {
    this.refusing = refusing;
  }

  /**
   * Every connection, and each new one, passes no bytes and closes nothing, like an unplugged cable. `false` heals all
   * of them.
   */
  silence(silent = true): void {
    this.silent = silent;
    for (const connection of this.connections) {
      if (silent) connection.blackhole();
      else connection.heal();
    }
  }

  /** Sends bytes to every client as if the server had sent them. */
  inject(bytes: Buffer): void {
    for (const connection of this.connections) connection.inject(bytes);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.listener.close(resolve));
  }

  private join(client: Socket): void {
    this.accepted += 1;
    if (this.refusing) return void client.on('error', () => undefined).resetAndDestroy();
    const server = connect({ ...this.target, allowHalfOpen: true });
    const splitter = this.options.framing === 'resp' ? new RespSplitter() : undefined;
    const connection = new ProxiedConnection(
      client,
      server,
      splitter && ((bytes) => splitter.push(bytes)),
      (unit) => [...this.orders].some((order) => order.takes(unit)),
      (closed) => this.connections.splice(this.connections.indexOf(closed), 1),
    );
    this.connections.push(connection);
    if (this.silent) connection.blackhole();
    this.onConnection(connection);
  }
}

const targetOf = (url: string): { host: string; port: number } => {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
};
