import { createConnection, Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import type { SlotOwner } from './slot-owner';

/** What ioredis hands to a connector: its options, of which these matter here. */
type Given = Pick<RedisOptions, 'disconnectTimeout' | 'tls'>;

/**
 * Makes an ordinary client of one Redis connect to the owner of a slot, wherever it is at that time. The client keeps
 * its rules for outages, which those of ioredis's own cluster client would contradict: that one queues commands and
 * sends them again. docs/decisions/0047.
 */
export const connectorTo = (owner: SlotOwner): new (options: unknown) => AbstractConnector =>
  class OwnerConnector extends AbstractConnector {
    readonly #tls: ConnectionOptions | true | undefined;

    constructor(options: unknown) {
      super((options as Given).disconnectTimeout ?? 0);
      this.#tls = (options as { tls?: ConnectionOptions | true }).tls;
    }

    /** Never rejects: ioredis would give up for good. A socket that is closed already makes it try again. */
    override async connect(): Promise<Socket> {
      this.connecting = true;
      delete this.firstError;
      const stream = await owner.find().then(
        (address) => {
          if (!this.connecting) return new Socket().destroy();
          return this.#tls
            ? connectTls({ ...address, ...(this.#tls === true ? {} : this.#tls) })
            : createConnection(address);
        },
        (error: Error) => {
          this.firstError = error;
          return new Socket().destroy();
        },
      );
      this.stream = stream;
      stream.once('error', (error) => (this.firstError = error));
      return stream;
    }

    /** A replica takes no writes. A user who may not call INFO is told nothing. */
    override check(info: { role?: string }): boolean {
      return info.role === undefined || info.role === 'master';
    }
  };

/** Whether an error says that the node does not, or no longer, serve the keys: another one may. */
export const saysMoved = (error: Error): boolean => /^(MOVED|READONLY|CLUSTERDOWN)\b/.test(error.message);
