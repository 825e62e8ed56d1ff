import { spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';

/**
 * A network of its own beside the machine's, with a link between the two. Clients in it can vanish without closing a
 * connection. Needs Linux and root.
 */
export class NetworkNamespace {
  readonly name = `tocsin-${randomBytes(3).toString('hex')}`;
  /** The machine's address on the link, as seen from inside. 198.18.0.0/15 is reserved for tests (RFC 2544). */
  readonly hostAddress: string;
  /** The address of what runs inside, as seen from the machine. */
  readonly insideAddress: string;

  private constructor() {
    const block = `198.${18 + randomInt(2)}.${randomInt(256)}`;
    const first = 4 * randomInt(64);
    this.hostAddress = `${block}.${first + 1}`;
    this.insideAddress = `${block}.${first + 2}`;
  }

  /** Why there can be none here; undefined when there can. */
  static whyNot(): string | undefined {
    if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
    if (process.getuid?.() !== 0) return 'making a network namespace needs root';
    const name = `tocsin-${randomBytes(3).toString('hex')}`;
    const { status, error, stderr } = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
    if (error) return 'the program ip (iproute2) is not installed';
    if (status !== 0) return `no network namespace can be made here: ${stderr.trim()}`;
    spawnSync('ip', ['netns', 'del', name]);
    return undefined;
  }

  static open(): NetworkNamespace {
    const namespace = new NetworkNamespace();
    try {
      namespace.wire();
    } catch (error) {
      namespace.close();
      throw error;
    }
    return namespace;
  }

  /** From now on no packet from inside arrives: no acknowledgement, no FIN and no RST. */
  silence(): void {
    ip('-n', this.name, 'route', 'add', 'blackhole', this.hostAddress);
  }

  /** Removes the network and the link. May be called twice. */
  close(): void {
    spawnSync('ip', ['netns', 'del', this.name]);
    spawnSync('ip', ['link', 'del', this.outer]);
  }

  private get outer(): string {
    return `${this.name}o`;
  }

  private wire(): void {
    const inner = `${this.name}i`;
    ip('netns', 'add', this.name);
    ip('link', 'add', this.outer, 'type', 'veth', 'peer', 'name', inner, 'netns', this.name);
    ip('addr', 'add', `${this.hostAddress}/30`, 'dev', this.outer);
    ip('link', 'set', this.outer, 'up');
    ip('-n', this.name, 'addr', 'add', `${this.insideAddress}/30`, 'dev', inner);
    ip('-n', this.name, 'link', 'set', inner, 'up');
    // As behind a router, the machine is never told that the address does not answer any more: its packets are simply
    // sent.
    const mac = /link\/ether (\S+)/.exec(ip('-n', this.name, 'link', 'show', inner))![1]!;
    ip('neigh', 'replace', this.insideAddress, 'lladdr', mac, 'nud', 'permanent', 'dev', this.outer);
  }
}

function ip(...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}
