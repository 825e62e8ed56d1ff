import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { looksLikeHints, tenantIdOf, topicOf, Unavailable } from '@tocsin/contracts';
import { PlainMessages, type PlainMessage } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { within } from '@tocsin/timing';
import { isReply, newClient, RedisConnection } from '../connection';

interface PlainMessagesOptions {
  url: string;
  /** The prefix of Tocsin's own keys and topics. */
  prefix: string;
  /** The prefixes of the topics on which other programs publish. */
  prefixes: readonly string[];
}

/** How long a process that was killed keeps others from taking over. */
const LEASE_MS = 3_000;
/** How often a process renews its lease, or asks for it. */
const ASK_EVERY_MS = 1_000;
const ASK_TIMEOUT_MS = 1_000;
/** A subscriber that answers no ping for this long has a dead connection. */
const PING_TIMEOUT_MS = 2_000;
/** How long a process that stops waits for another one to take over. */
const HANDOVER_MS = 1_000;

/** Takes the lease, or renews it; 0 when another process holds it. */
const CLAIM = `
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return 1`;
/** Gives the lease back and says so, in one step. Returns how many processes hear it. */
const RELEASE = `
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
return redis.call('publish', ARGV[2], 'free')`;

type State = 'away' | 'standby' | 'claiming' | 'taking';

/**
 * Plain messages from Redis Pub/Sub, which every subscriber hears and no two may take.
 *
 * A lease decides which process may begin. Where its part begins and the part of its predecessor ends is decided by a
 * mark that it publishes itself: Redis sends all messages to all subscribers in one order, so the predecessor stops
 * where the new one starts. This also holds for a process that stood still: it first reads what came before the mark,
 * and no other process took that. docs/decisions/0038.
 */
export class RedisPlainMessages extends PlainMessages {
  private readonly id = randomUUID();
  private readonly lease: string;
  private readonly marks: string;
  private readonly subscriber: Redis;
  private readonly commands: RedisConnection;
  private state: State = 'away';
  private take: ((message: PlainMessage) => void) | undefined;
  private arriving: Promise<void> | undefined;
  private asking: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped: Promise<void> | undefined;
  private succeeded: (() => void) | undefined;
  private missed = false;
  private refused = false;

  constructor(
    private readonly options: PlainMessagesOptions,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {
    super();
    this.lease = `${options.prefix}plain:lease`;
    this.marks = `${options.prefix}plain:marks`;
    this.commands = new RedisConnection(options.url, options.prefix);
    this.subscriber = newClient(options.url, 'tocsin-plain', options.prefix);
    this.subscriber.on('ready', () => void this.arrive());
    this.subscriber.on('close', () => this.leave());
    this.subscriber.on('messageBuffer', (_topic: Buffer, mark: Buffer) => this.onMark(mark.toString()));
    this.subscriber.on('pmessageBuffer', (_pattern: Buffer, topic: Buffer, body: Buffer) =>
      this.onMessage(topic.toString(), body),
    );
  }

  override get taking(): boolean {
    return this.state === 'taking';
  }

  /** Whether this process hears of the others, and can take over. */
  get listening(): boolean {
    return this.state !== 'away';
  }

  override listen(take: (message: PlainMessage) => void): void {
    if (this.take || this.stopped) return;
    this.take = take;
    this.commands.open();
    this.subscriber.connect().catch(() => {});
    this.timer = setInterval(() => void this.look(), ASK_EVERY_MS);
    this.timer.unref();
  }

  override stop(): Promise<void> {
    return (this.stopped ??= this.handOver());
  }

  private arrive(): Promise<void> {
    return (this.arriving ??= this.stand().finally(() => (this.arriving = undefined)));
  }

  private async stand(): Promise<void> {
    try {
      await this.subscriber.subscribe(this.marks);
      this.become('standby');
      void this.ask();
    } catch (error) {
      this.noteRefusal(error); // else the connection ended again, and another one follows
    }
  }

  private leave(): void {
    if (this.state === 'taking' && !this.stopped) {
      this.missed = true;
      this.log.warn('plain messages do not arrive: Redis is away');
    }
    this.become('away');
    this.succeeded?.();
  }

  private become(state: State): void {
    this.state = state;
    this.metrics.plainTaking.set(Number(this.taking));
  }

  /** A lease is not renewed over a dead subscriber: no process would take the messages. */
  private async look(): Promise<void> {
    if (this.stopped) return;
    if (this.state === 'away') {
      // it was refused; the right may be there now
      if (this.subscriber.status === 'ready') await this.arrive();
      return;
    }
    const answered = this.subscriber.ping().then(() => true, isReply);
    if (await within(PING_TIMEOUT_MS, answered, () => false)) await this.ask();
    else if (this.listening) this.subscriber.disconnect(true);
  }

  /** Asks for the lease, and begins when it is granted. Never rejects. */
  private ask(): Promise<void> {
    return (this.asking ??= this.claim()
      // asked again in a second; until then the one that takes goes on
      .catch((error: unknown) => this.noteRefusal(error))
      .finally(() => (this.asking = undefined)));
  }

  /** The log says once what Redis refuses. All else is tried again, and `leave` tells of an outage. */
  private noteRefusal(error: unknown): void {
    const cause = error instanceof Unavailable ? error.cause : error;
    if (this.refused || !isReply(cause)) return;
    this.refused = true;
    this.log.warn({ err: cause }, 'plain messages are not taken: Redis refuses what that needs');
  }

  private async claim(): Promise<void> {
    if (this.stopped) return;
    const granted = await this.run((client) => client.eval(CLAIM, 1, this.lease, this.id, LEASE_MS));
    // the process that takes goes on until it hears the mark of another one, even when the lease is no longer its own
    if (granted !== 1 || this.stopped || this.state === 'taking' || this.state === 'away') return;
    this.become('claiming');
    const subscribed = this.subscriber.psubscribe(...this.patterns());
    await within(ASK_TIMEOUT_MS, subscribed, () => {
      throw new Error('the subscription was not answered');
    });
    await this.run((client) => client.publish(this.marks, this.id));
  }

  private onMark(mark: string): void {
    // a question that is under way may have been asked before the lease was free
    if (mark === 'free') return void (this.asking ? this.asking.then(() => this.ask()) : this.ask());
    if (mark === this.id) {
      if (this.state !== 'claiming') return;
      this.become('taking');
      this.log.info({ missed: this.missed }, 'plain messages are taken by this process');
      this.missed = false;
      this.refused = false;
    } else if (this.state === 'taking') {
      this.become('standby');
      this.succeeded?.();
      this.subscriber.punsubscribe(...this.patterns()).catch(() => {});
      this.log.info('plain messages are taken by another process');
    }
  }

  private onMessage(topic: string, body: Buffer): void {
    if (this.state !== 'taking') return;
    const tenant_id = this.tenantOf(topic);
    if (tenant_id && !looksLikeHints(body)) this.take?.({ topic, tenant_id, body });
  }

  private tenantOf(topic: string) {
    for (const prefix of this.options.prefixes) {
      const start = topicOf('', prefix);
      const tenant = topic.startsWith(start) ? tenantIdOf(topic.slice(start.length)) : null;
      if (tenant) return tenant;
    }
    return null; // a topic of something else that begins in the same way
  }

  private patterns(): string[] {
    return this.options.prefixes.map((prefix) => topicOf('*', prefix.replace(/[*?[\]\\]/g, '\\$&')));
  }

  private async handOver(): Promise<void> {
    clearInterval(this.timer);
    await this.asking;
    // one that has just sent its mark takes what follows it, since its predecessor stopped there
    if (this.taking || this.state === 'claiming') {
      const succeeded = new Promise<void>((resolve) => (this.succeeded = resolve));
      const hear = await this.run((client) => client.eval(RELEASE, 1, this.lease, this.id, this.marks)).catch(() => 0);
      if (Number(hear) > 1) await within(HANDOVER_MS, succeeded, () => undefined);
    }
    this.take = undefined;
    this.become('away');
    this.subscriber.disconnect();
    this.commands.close();
  }

  private run<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    return this.commands.run('bus', ASK_TIMEOUT_MS, work);
  }
}
