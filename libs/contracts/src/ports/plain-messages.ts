import type { TenantId } from '../tenant';

/** What another program published for a tenant, without knowing of Tocsin. Nothing of it is checked. */
export interface PlainMessage {
  /** The complete name of the topic. */
  topic: string;
  /** The tenant that the topic names. */
  tenant_id: TenantId;
  body: Buffer;
}

/**
 * Messages that other programs publish on the topics of tenants, without knowing of Tocsin. The medium keeps nothing.
 *
 * - Any number of processes may listen. At any time one of them takes the messages; when it ends or is lost, another
 *   one takes over.
 * - A message is handed over at most once, to one process. It is lost if it comes while no process takes messages: for
 *   some seconds after the process that did was killed or lost its connection. A process that stops waits until another
 *   one takes over, if one listens, and nothing is lost then.
 * - The messages that one process takes keep their order. What Tocsin itself sends to its own processes is not handed
 *   over.
 */
export abstract class PlainMessages {
  /** Starts to listen and returns at once. `take` must not throw. Called once. */
  abstract listen(take: (message: PlainMessage) => void): void;
  /**
   * Hands over to another process. Nothing is handed to `take` once it has resolved. Never rejects. May be called
   * twice.
   */
  abstract stop(): Promise<void>;
  /** Whether it is this process that takes the messages. */
  abstract readonly taking: boolean;
}
