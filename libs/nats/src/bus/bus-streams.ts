import { AckPolicy, DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { NatsConnection } from '../connection';
import { ensureStream, JetStreamAdmin } from '../jetstream-admin';

/**
 * What the bus keeps in JetStream. `tickets` remembers each used ticket, and `counts` is the log of what gateways say
 * about their streams and requests.
 */
const STREAMS = {
  /** Longer than a ticket is valid, by far: a gateway whose clock is wrong must not take it again. */
  tickets: { max_age: nanos(600_000), max_msgs_per_subject: 1, discard: DiscardPolicy.New },
  /** Longer than the window of a limit, and than three statements of all counts of a gateway. */
  counts: { max_age: nanos(100_000), max_msgs_per_subject: -1, discard: DiscardPolicy.Old },
} as const;
type BusStream = keyof typeof STREAMS;

/** Some 400,000 tickets, or the counts of that many streams. */
const MAX_BYTES = 64 * 1024 * 1024;
/** How long the server keeps the place of a reader that has ended without a word. */
const ABANDONED_AFTER_MS = 60_000;

interface BusStreamsOptions {
  /** Stands before every subject and stream. */
  prefix: string;
  /** How many servers keep the streams. */
  replicas: number;
}

/** A consumer of its own for one process, from the beginning of a log. */
export interface LogReaderPlace {
  /** The subject of its requests for messages. */
  subject: string;
  /** How many messages were there when it was made. */
  before: number;
}

/** The streams of the bus of one installation. */
export class BusStreams {
  private readonly admin: JetStreamAdmin;

  constructor(
    connection: NatsConnection,
    private readonly options: BusStreamsOptions,
  ) {
    this.admin = new JetStreamAdmin(connection, 'bus');
  }

  subject(stream: BusStream, token: string): string {
    return `${this.#name(stream)}.${token}`;
  }

  /** Creates streams that are missing, and changes those that the settings want otherwise. */
  async prepare(): Promise<void> {
    const { replicas } = this.options;
    await this.admin.manage(async (manager) => {
      for (const stream of Object.keys(STREAMS) as BusStream[]) {
        const { discard, max_age, max_msgs_per_subject } = STREAMS[stream];
        const wanted = { subjects: [`${this.#name(stream)}.>`], num_replicas: replicas, max_age, max_msgs_per_subject };
        await ensureStream(manager, this.#name(stream), wanted, {
          max_bytes: MAX_BYTES,
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          discard,
        });
      }
    });
  }

  /** Begins to read a log. The stream is made if it is missing. */
  async read(stream: BusStream, token: string): Promise<LogReaderPlace> {
    await this.prepare();
    const name = this.#name(stream);
    const consumer = await this.admin.manage((manager) =>
      manager.consumers.add(name, {
        filter_subject: this.subject(stream, token),
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.All,
        inactive_threshold: nanos(ABANDONED_AFTER_MS),
        mem_storage: true,
        num_replicas: 1,
      }),
    );
    return { subject: `$JS.API.CONSUMER.MSG.NEXT.${name}.${consumer.name}`, before: consumer.num_pending };
  }

  #name(stream: BusStream): string {
    return `${this.options.prefix}bus-${stream}`;
  }
}
