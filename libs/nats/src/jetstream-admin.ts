import { setTimeout as sleep } from 'node:timers/promises';
import {
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamClient,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { RequestError, type NatsConnection as Client } from '@nats-io/transport-node';
import { Unavailable, type DependencyRole } from '@tocsin/contracts';
import type { NatsConnection } from './connection';

const ANSWER_WITHIN_MS = 4_500;

/** Makes and changes streams for one port. */
export class JetStreamAdmin {
  constructor(
    private readonly connection: NatsConnection,
    private readonly role: DependencyRole,
  ) {}

  /** Does `work`; two processes may do the same at the same time, so it is tried once more. */
  async manage<T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const once = () => this.read(ANSWER_WITHIN_MS, work);
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof Unavailable && error.cause instanceof JetStreamApiError)) throw error;
      await sleep(50);
      return once();
    }
  }

  /** Does `work` once, within this time. */
  read<T>(timeoutMs: number, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    return this.connection.run(this.role, timeoutMs, async (client) =>
      work(await jetstreamManager(client, { timeout: timeoutMs, checkAPI: false })),
    );
  }

  /** Rejects when JetStream does not answer. */
  async check(timeoutMs: number): Promise<void> {
    await this.connection.run(this.role, timeoutMs, (client) => jetstreamManager(client, { timeout: timeoutMs }));
  }
}

/**
 * Creates the stream if it is missing. One that is there already keeps what an operator gave it, except for what the
 * settings want. Its bound is raised and never lowered: NATS 2.9 deletes the messages that a smaller one does not hold,
 * though they were confirmed, and more may arrive between a look and the change.
 */
export async function ensureStream(
  manager: JetStreamManager,
  name: string,
  wanted: Partial<StreamConfig>,
  atFirst: Partial<StreamConfig>,
): Promise<void> {
  const found = await manager.streams.info(name).catch((error: unknown) => {
    return absent(error, JetStreamApiCodes.StreamNotFound);
  });
  if (!found) return void (await manager.streams.add({ name, ...wanted, ...atFirst }));
  const { max_msgs } = found.config;
  const kept = isBelow(wanted.max_msgs, max_msgs) ? { ...wanted, max_msgs } : wanted;
  if (Object.entries(kept).some(([key, value]) => !isSame(found.config[key as keyof StreamConfig], value)))
    await manager.streams.update(name, kept);
}

/** Whether a bound holds less than another. NATS writes no bound as -1. */
const isBelow = (bound: number | undefined, other: number): boolean =>
  bound !== undefined && bound >= 0 && (other < 0 || bound < other);

/** Throws any error but the one with this code. */
export function absent(error: unknown, code: number): undefined {
  if (!(error instanceof JetStreamApiError && error.code === code)) throw error;
}

const clients = new WeakMap<Client, JetStreamClient>();

/** The JetStream client of a connection. It is made once: making it costs a fifth of a publication. */
export function jetstreamOf(client: Client): JetStreamClient {
  const made = clients.get(client) ?? jetstream(client);
  clients.set(client, made);
  return made;
}

/** Whether a publication failed because no stream takes its subject, as after the loss of all data of NATS. */
export const isStreamMissing = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof RequestError && error.cause.isNoResponders();

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
