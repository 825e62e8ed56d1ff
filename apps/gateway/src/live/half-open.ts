import { readFile } from 'node:fs/promises';
import { isIPv4, type Socket } from 'node:net';
import type { EventStream } from './event-stream';

/** How often the kernel's lists are read. Together with the wait below, a vanished client is found within a minute. */
const LOOK_EVERY_MS = 15_000;
/**
 * How often the kernel has sent the same bytes again without an acknowledgement. It waits 0.2 s at first and doubles
 * the wait each time, so six retransmits are about 25 s of silence: longer than a phone takes to change its network.
 */
const MAX_RETRANSMITS = 6;
/** The kernel's lists of connections in the process's network namespace. They exist on Linux only. */
const LISTS = ['/proc/net/tcp', '/proc/net/tcp6'];

/**
 * Finds clients that vanished without closing their connection: a laptop was closed, or a router forgot a mapping. Data
 * written to them waits in the kernel, which retries for a quarter of an hour, and one heartbeat every quarter of a
 * minute never fills its buffer. But the kernel knows for how long the peer has not answered. (TCP_USER_TIMEOUT would
 * solve this, but Node cannot set it; keep-alive works only while no data is unacknowledged.) On other systems than
 * Linux this finds nothing.
 */
export class HalfOpenWatch {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly streams: { readonly open: Iterable<EventStream> }) {}

  start(): void {
    this.timer ??= setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async look(): Promise<void> {
    const texts = await Promise.all(LISTS.map((list) => readFile(list, 'latin1').catch(() => '')));
    const silent = new Set(texts.flatMap(silentPeers));
    if (silent.size === 0) return;
    for (const stream of this.streams.open) if (silent.has(peerKey(stream.peer))) stream.vanish();
  }
}

/**
 * The peers in a kernel list that have not answered for long, named as by `peerKey`: those with at least
 * MAX_RETRANSMITS retransmits.
 */
export function silentPeers(list: string): string[] {
  return list.split('\n').flatMap((line) => {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt …
    const [, , remote, , , , retransmits] = line.trim().split(/\s+/);
    return remote && parseInt(retransmits ?? '', 16) >= MAX_RETRANSMITS ? [remote] : [];
  });
}

/** The peer of a socket as the kernel writes it: 32-bit words in the byte order of the machine, and the port. */
export function peerKey({ remoteAddress = '', remotePort = 0 }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  const port = remotePort.toString(16).padStart(4, '0').toUpperCase();
  const words = isIPv4(remoteAddress) ? [ipv4Word(remoteAddress)] : ipv6Words(remoteAddress);
  return `${words.join('')}:${port}`;
}

const littleEndian = (bytes: readonly number[]): string => Buffer.from(bytes).reverse().toString('hex').toUpperCase();

const ipv4Word = (address: string): string => littleEndian(address.split('.').map(Number));

function ipv6Words(address: string): string[] {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped) return ['00000000', '00000000', 'FFFF0000', ipv4Word(mapped)];
  const [before = [], after = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const groups = [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after].map(
    (group) => parseInt(group, 16),
  );
  return [0, 2, 4, 6].map((at) =>
    littleEndian([groups[at]! >> 8, groups[at]! & 255, groups[at + 1]! >> 8, groups[at + 1]! & 255]),
  );
}
