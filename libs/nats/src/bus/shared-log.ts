import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Msg } from '@nats-io/transport-node';
import { fullJitter } from '@tocsin/timing';
import type { NatsConnection } from '../connection';
import { placeOf } from '../nats-message';
import { pull } from '../pull';
import type { BusStreams } from './bus-streams';

/** What the entries of a log come to. Every process computes the same of the same entries. */
export interface Tally<Entry, Answer> {
  /** Forgets everything: the log is read from its beginning. */
  reset(): void;
  /** Takes the next entry. Throws for one that it cannot read. */
  take(entry: Entry, atMs: number): Answer;
}

const BACK_OFF = { firstMs: 50, capMs: 1_000 };
/** How many entries one request for them brings. */
const AT_A_TIME = 1_000;

/**
 * A log to which several processes append, and which each reads in the one order that JetStream gives it. So each comes
 * to the same answers without asking another one, and an appended entry has its answer as soon as its own process has
 * read it back. After an interruption the log is read from its beginning, which is a minute or two ago.
 */
export class SharedLog<Entry extends object, Answer> {
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  readonly #ending = new AbortController();
  #following: Promise<void> | undefined;
  #upToDate = gate();

  constructor(
    private readonly connection: NatsConnection,
    private readonly streams: BusStreams,
    /** The last token of the subject. */
    private readonly name: string,
    private readonly tally: Tally<Entry, Answer>,
    /** Called when the whole log has been read, the first time and after each interruption. */
    private readonly onUpToDate: () => void = () => undefined,
  ) {}

  /** Begins to read, as the first `append` does. May be called twice. */
  open(): void {
    this.connection.open();
    this.#following ??= this.#follow();
  }

  /**
   * Appends an entry and resolves with what it came to. Rejects with `Unavailable` after `timeoutMs` and while NATS is
   * away; the entry may be in the log all the same.
   */
  async append(entry: Entry, timeoutMs: number): Promise<Answer> {
    this.open();
    const id = randomUUID();
    let over = false;
    const work = async () => {
      await this.#upToDate.opened;
      if (over) throw new Error('the caller no longer waits for the answer');
      const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
      // not confirmed: an entry that is read back is stored
      this.connection.client.publish(this.streams.subject('counts', this.name), JSON.stringify({ id, entry }));
      return answer;
    };
    try {
      return await this.connection.run('slots', timeoutMs, work);
    } finally {
      over = true;
      this.#waiting.delete(id);
    }
  }

  /** Ends the reading. May be called twice. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    for (let failures = 0; !signal.aborted;)
      try {
        await this.#read(() => (failures = 0));
      } catch {
        this.#upToDate = gate();
        await sleep(fullJitter(failures++, BACK_OFF), undefined, { signal, ref: false }).catch(() => undefined);
      }
  }

  async #read(onAnswer: () => void): Promise<void> {
    const { signal } = this.#ending;
    const { connection } = this;
    const { subject, before } = await this.streams.read('counts', this.name);
    let isRead = false;
    // what the server says and not a count: entries may expire before they are delivered
    const noneWaits = () => {
      if (!isRead) this.#open();
      isRead = true;
    };
    this.tally.reset();
    if (before === 0) noneWaits();
    while (!signal.aborted)
      await pull(connection.client, {
        subject,
        batch: AT_A_TIME,
        signal,
        whenLost: (tell) => connection.watch(() => !connection.connected && tell()),
        onMessage: (raw) => {
          this.#take(raw);
          if (placeOf(raw).waiting === 0) noneWaits();
        },
        onAnswer,
        onNone: noneWaits,
      });
  }

  #open(): void {
    this.#upToDate.open();
    this.onUpToDate();
  }

  #take(raw: Msg): void {
    try {
      const { id, entry } = raw.json<{ id: string; entry: Entry }>();
      const answer = this.tally.take(entry, Number(placeOf(raw).storedAt) / 1e6);
      this.#waiting.get(id)?.(answer);
    } catch {
      // no entry of ours: every process passes over it
    }
  }
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
