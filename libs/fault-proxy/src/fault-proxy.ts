import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Lane, matches, type Pattern } from './lane';
import { RespSplitter } from './resp';

export type { Pattern } from './lane';
export type Direction = 'to_server' | 'to_client';

export interface ProxyOptions {
  /** `resp`: what the server sends is cut into whole replies, so that `dropMessages` can take one out. */
  framing?: 'bytes' | 'resp';
}

/** Messages on their way to clients that are to be lost. */
export interface DropOrder {
  /** How many were lost so far. */
  dropped: number;
  cancel(): void;
}

/** One connection through the proxy. Faults of a direction hold until `heal`; without a direction they hold for both. */
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

  /** Under which the server knows it. */
  get port(): number {
    return this.server.localPort!;
  }

  /** Whether what the client sent first (4 KiB) holds it: a subscriber is known by its SUBSCRIBE. */
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

  /** Carries nothing and ends nothing, in silence. */
  blackhole(direction?: Direction): void {
    for (const lane of this.of(direction)) lane.blackhole();
  }

  /** Cuts it once so many more bytes have passed. */
  cutAfter(bytes: number, direction: Direction): void {
    this.lanes[direction].bytesLeft = bytes;
  }

  /** Cuts it right behind the first match. */
  cutOn(pattern: Pattern, direction: Direction): void {
    this.lanes[direction].cutPattern = pattern;
  }

  /** The server's end is gone and the client is not told: what it sends goes nowhere. */
  halfOpen(): void {
    this.upstreamGone = true;
    this.lanes.to_server.discards = true;
    this.server.destroy();
  }

  /** Says something to the client in the server's name. */
  inject(bytes: Buffer): void {
    this.client.write(bytes);
  }

  /** Ends both sides with RST. */
  reset(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  /** Ends both sides, in the middle of whatever they say. */
  cut(): void {
    this.client.destroy();
    this.server.destroy();
  }

  /** Takes latency, throttle, black hole and pending cuts back. */
  heal(): void {
    for (const lane of this.of(undefined)) lane.heal();
  }

  private of(direction: Direction | undefined): Lane[] {
    return direction ? [this.lanes[direction]] : [this.lanes.to_server, this.lanes.to_client];
  }
}

/**
 * A wire between a client and a real server, with a handle on each connection. What breaks in earnest is the network; a mock
 * of a driver breaks as its author imagined. Without a fault it passes everything.
 */
export class FaultProxy {
  /** Those that are open, the oldest first. */
  readonly connections: ProxiedConnection[] = [];
  /** How many were ever accepted. */
  accepted = 0;
  /** Called with each new connection before a byte has passed: faults for those to come. */
  onConnection: (connection: ProxiedConnection) => void = () => undefined;
  private refusing = false;
  private silent = false;
  private readonly orders = new Set<DropOrder & { takes(unit: Buffer): boolean }>();

  private constructor(
    private readonly listener: Server,
    private readonly target: { host: string; port: number },
    private readonly options: ProxyOptions,
  ) {
    listener.on('connection', (client) => this.join(client));
  }

  static async to(url: string, options: ProxyOptions = {}): Promise<FaultProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new FaultProxy(
      createServer({ allowHalfOpen: true }),
      { host: hostname, port: Number(port) },
      options,
    );
    await new Promise<void>((resolve) => proxy.listener.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The same address through the proxy. */
  via(url: string): string {
    const proxied = new URL(url);
    proxied.hostname = '127.0.0.1';
    proxied.port = String((this.listener.address() as AddressInfo).port);
    return proxied.href;
  }

  /** The ports under which the server knows the connections. */
  get ports(): number[] {
    return this.connections.map(({ port }) => port);
  }

  /** The open connections that a client began with such bytes. */
  thatSent(pattern: Pattern): ProxiedConnection[] {
    return this.connections.filter((connection) => connection.sent(pattern));
  }

  /** Loses the next `count` replies that match, whole, on whichever connections. Needs the framing `resp`. */
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

  /** Ends every connection; new ones are taken. */
  cut(): void {
    for (const connection of [...this.connections]) connection.cut();
  }

  /** From here on new connections are ended at once, with RST. */
  refuse(refusing = true): void {
    this.refusing = refusing;
  }

  /** Every connection, and each new one, carries nothing and ends nothing: a cable pulled out. Taken back, all of them are healed. */
  silence(silent = true): void {
    this.silent = silent;
    for (const connection of this.connections) {
      if (silent) connection.blackhole();
      else connection.heal();
    }
  }

  /** Says something to every client in the server's name. */
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
