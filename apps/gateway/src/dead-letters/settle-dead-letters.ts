import { Refused, Unavailable } from '@tocsin/contracts';
import type {
  BuriedLetter,
  DeadLetterReach,
  DeadLetters,
  OpenLetters,
  RawIntake,
  RawMessage,
  WholeLetter,
} from '@tocsin/contracts/ports';
import type { ManyLetters } from './dead-letter-fields';

/**
 * The outcome of a decision on many letters. To continue with the same set, call again with its `up_to` until `left` is
 * 0.
 */
export interface Settled {
  /** Letters decided by this call. */
  settled: number;
  /** Letters that this call tried and the queue did not confirm: they stay open. */
  failed: number;
  /** Letters of the set bounded by `up_to` that are still open. */
  left: number;
  up_to: number;
}

/** Letters that are read and published together: at most 6 MiB of bodies. */
const CHUNK = 100;

/**
 * Redrives and discards dead letters. A redrive publishes the message again unchanged and marks the letter only after
 * the queue has confirmed it. After an interruption the letter is still open, and its message is published once more
 * under the same id, which the event log recognises. A message that is refused again becomes a new letter, with a
 * number beyond the set.
 */
export class SettleDeadLetters {
  constructor(
    private readonly deadLetters: DeadLetters,
    private readonly rawIntake: RawIntake,
  ) {}

  /**
   * Redrives one letter. Repeating it has no further effect. Throws `Refused`: `not_found`, `already_decided` when the
   * letter was discarded, `truncated`, `publish_failed`; and `Unavailable` when the queue takes nothing.
   */
  async redrive(reach: DeadLetterReach, deadLetterId: number, by: string): Promise<BuriedLetter> {
    const letter = await this.find(reach, deadLetterId);
    if (letter.status === 'redriven') return withoutBody(letter);
    if (letter.status === 'discarded') throw new Refused('already_decided', 'The letter was discarded.');
    if (letter.truncated)
      throw new Refused(
        'truncated',
        'The message was longer than what is kept of it. It can only be sent again by its producer, or discarded.',
      );
    const [outcome] = await this.rawIntake.republish([messageOf(letter)]);
    if (outcome!.outcome === 'failed')
      throw new Refused(
        'publish_failed',
        `The queue did not confirm the message (${outcome!.reason}). The letter is still open.`,
      );
    await this.deadLetters.decide(reach, [deadLetterId], { status: 'redriven', by, note: null });
    return withoutBody(await this.find(reach, deadLetterId));
  }

  /**
   * Redrives the oldest letters of a set, which excludes truncated letters. Stops at the first chunk that the queue
   * does not confirm. Throws `Unavailable` only when the queue takes none from the start.
   */
  async redriveMany(reach: DeadLetterReach, many: ManyLetters, by: string): Promise<Settled> {
    const set = await this.setOf(reach, many, true);
    let settled = 0;
    let failed = 0;
    while (settled < many.limit && failed === 0) {
      const letters = await this.deadLetters.oldest(reach, set, Math.min(CHUNK, many.limit - settled));
      if (letters.length === 0) break;
      const outcomes = await this.rawIntake.republish(letters.map(messageOf)).catch((error: unknown) => {
        if (settled === 0 || !(error instanceof Unavailable)) throw error;
        return [];
      });
      const confirmed = letters
        .filter((_, index) => outcomes[index]?.outcome === 'confirmed')
        .map(({ dead_letter_id }) => dead_letter_id);
      await this.deadLetters.decide(reach, confirmed, { status: 'redriven', by, note: null });
      settled += confirmed.length;
      failed = letters.length - confirmed.length;
    }
    return this.sum(reach, set, settled, failed);
  }

  /**
   * Discards one letter. Repeating it keeps the first note. Throws `Refused`: `not_found`, `already_decided` when the
   * letter was redriven.
   */
  async discard(reach: DeadLetterReach, deadLetterId: number, by: string, note: string): Promise<BuriedLetter> {
    await this.deadLetters.decide(reach, [deadLetterId], { status: 'discarded', by, note });
    const letter = await this.find(reach, deadLetterId);
    if (letter.status === 'redriven') throw new Refused('already_decided', 'The letter was redriven.');
    return withoutBody(letter);
  }

  /** Discards the oldest letters of a set. */
  async discardMany(reach: DeadLetterReach, many: ManyLetters, by: string, note: string): Promise<Settled> {
    const set = await this.setOf(reach, many, false);
    const { tenant_id, reason, limit } = many;
    const letters = await this.deadLetters.list(reach, { tenant_id, reason, status: 'open', behind: null, limit });
    const ids = letters.map(({ dead_letter_id }) => dead_letter_id).filter((id) => id <= set.up_to);
    const decided = await this.deadLetters.decide(reach, ids, { status: 'discarded', by, note });
    return this.sum(reach, set, decided.length, 0);
  }

  private async find(reach: DeadLetterReach, deadLetterId: number): Promise<WholeLetter> {
    const letter = await this.deadLetters.find(reach, deadLetterId);
    if (!letter) throw new Refused('not_found', 'There is no such dead letter.');
    return letter;
  }

  private async setOf(
    reach: DeadLetterReach,
    { tenant_id, reason, up_to }: ManyLetters,
    whole: boolean,
  ): Promise<OpenLetters & { up_to: number }> {
    const set = { tenant_id, reason, whole };
    return { ...set, up_to: up_to ?? (await this.deadLetters.count(reach, { ...set, up_to: null })).newest ?? 0 };
  }

  private async sum(
    reach: DeadLetterReach,
    set: OpenLetters & { up_to: number },
    settled: number,
    failed: number,
  ): Promise<Settled> {
    const { letters } = await this.deadLetters.count(reach, set);
    return { settled, failed, left: letters, up_to: set.up_to };
  }
}

/**
 * The message unchanged. A message without an id gets the letter's id, so that each redrive is the same message. Its
 * time is the producer's, or else the time when it became a dead letter: waiting here does not make an alert newer.
 */
function messageOf({
  dead_letter_id,
  body,
  routing_key,
  message_id,
  message_timestamp,
  content_encoding,
  headers,
  buried_at,
}: WholeLetter): RawMessage {
  return {
    body,
    routing_key: routing_key ?? '',
    message_id: message_id ?? `dead-letter-${dead_letter_id}`,
    timestamp: message_timestamp ?? Math.floor(Date.parse(buried_at) / 1000),
    ...(content_encoding !== null && { content_encoding }),
    ...(headers !== null && { headers }),
  };
}

const withoutBody = ({ body: _, ...letter }: WholeLetter): BuriedLetter => letter;
