import type { Options } from 'amqplib';

/** The default interval of heartbeats, in seconds. A silent broker is noticed after two to three intervals. */
const HEARTBEAT_S = 10;

/**
 * The addresses of the nodes of one RabbitMQ, from one address or several that are separated by commas. Throws a
 * `TypeError` when one of them is none.
 */
export function brokerUrls(list: string): URL[] {
  try {
    const urls = list.split(/,\s*(?=amqps?:)/).map((url) => new URL(url.trim()));
    if (urls.every(isBroker)) return urls;
  } catch {
    // the error of URL has the whole address, with the password
  }
  throw new TypeError(
    'The address of RabbitMQ must begin with amqp:// or amqps://. Several addresses are separated by commas.',
  );
}

/** Throws when the user or the password is encoded wrongly: amqplib would meet that at each attempt to connect. */
function isBroker({ protocol, host, username, password }: URL): boolean {
  decodeURIComponent(username + password);
  return /^amqps?:$/.test(protocol) && !host.includes(',');
}

/**
 * The nodes of one RabbitMQ, in the form in which amqplib reads an address. It reads the fields at each attempt to
 * connect, and `next` makes them those of another node.
 */
export class BrokerAddresses implements Options.Connect {
  private readonly urls: readonly URL[];
  private at = 0;

  /** Throws a `TypeError` when an address is none. */
  constructor(list: string) {
    this.urls = brokerUrls(list);
  }

  /** From now on the fields are those of the next node of the list, and after the last one of the first. */
  next(): void {
    this.at = (this.at + 1) % this.urls.length;
  }

  get protocol(): string {
    return this.url.protocol.slice(0, -1);
  }
  get hostname(): string {
    return this.url.hostname.replace(/^\[|\]$/g, '');
  }
  get port(): number | undefined {
    return this.url.port ? Number(this.url.port) : undefined;
  }
  get username(): string | undefined {
    return this.named ? decodeURIComponent(this.url.username) : undefined;
  }
  get password(): string | undefined {
    return this.named ? decodeURIComponent(this.url.password) : undefined;
  }
  get vhost(): string {
    return this.url.pathname.slice(1);
  }
  get heartbeat(): number {
    return this.parameter('heartbeat') ?? HEARTBEAT_S;
  }
  get frameMax(): number | undefined {
    return this.parameter('frameMax');
  }
  get channelMax(): number | undefined {
    return this.parameter('channelMax');
  }
  get locale(): string | undefined {
    return this.url.searchParams.get('locale') ?? undefined;
  }

  private get url(): URL {
    return this.urls[this.at]!;
  }
  /** Without a user, amqplib takes the one that every new broker has. */
  private get named(): boolean {
    return this.url.username !== '' || this.url.password !== '';
  }
  private parameter(name: string): number | undefined {
    const value = this.url.searchParams.get(name);
    return value === null ? undefined : Number(value);
  }
}
