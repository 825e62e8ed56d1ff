import { Redis } from 'ioredis';

/** How long a node has to answer. One that stands still must not hold up the others' answer. */
const ASK_WITHIN_MS = 1_000;

export interface NodeAddress {
  host: string;
  port: number;
}

/**
 * Finds the node of a Redis Cluster that serves the keys of one prefix. The prefix begins with a hash tag, so all of
 * them are in one slot.
 */
export class SlotOwner {
  constructor(
    private readonly urls: readonly string[],
    private readonly prefix: string,
  ) {}

  /**
   * The owner that most of the nodes name: one that was cut off, or stood still, may still name the one before it.
   * Resolves as soon as more than half of them agree, and rejects when none answers in time.
   */
  async find(): Promise<NodeAddress> {
    const votes = new Map<string, number>();
    let trouble: unknown;
    await new Promise<void>((decided) => {
      const asked = this.urls.map(async (url) => {
        const named = await ownerAccordingTo(url, this.prefix).catch((error: unknown) => void (trouble = error)); // the others decide
        if (!named) return;
        votes.set(named, (votes.get(named) ?? 0) + 1);
        if (votes.get(named)! * 2 > this.urls.length) decided();
      });
      void Promise.all(asked).then(() => decided());
    });
    const [most] = [...votes].sort(([, one], [, other]) => other - one);
    if (!most) throw new Error('No node of the Redis Cluster names the owner of the keys.', { cause: trouble });
    const [owner] = most;
    const colon = owner.lastIndexOf(':');
    return { host: owner.slice(0, colon), port: Number(owner.slice(colon + 1)) };
  }
}

/** Host and port of the owner, as one node sees it. Undefined while it knows of none. */
async function ownerAccordingTo(url: string, prefix: string): Promise<string | undefined> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectionName: 'tocsin-slot-owner',
    connectTimeout: ASK_WITHIN_MS,
    disconnectTimeout: 0,
    enableReadyCheck: false, // a node that still loads its data knows the owner
    retryStrategy: () => null,
  });
  client.on('error', () => {});
  const impatient = setTimeout(() => client.disconnect(), ASK_WITHIN_MS);
  try {
    await client.connect();
    const [slot, ranges] = await Promise.all([client.cluster('KEYSLOT', prefix), client.cluster('SLOTS')]);
    const range = ranges.find(([first, last]) => first <= slot && slot <= last);
    if (!range?.[2]) return undefined;
    const [host, port] = range[2];
    if (host === '?') return undefined; // a node without the name that it should be called by
    // without a host the owner is where this node was asked
    return `${host || new URL(url).hostname.replace(/^\[|\]$/g, '')}:${port}`;
  } finally {
    clearTimeout(impatient);
    client.disconnect();
  }
}
