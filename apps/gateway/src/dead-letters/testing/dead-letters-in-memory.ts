import { QueueFull, Unavailable } from '@tocsin/contracts';
import {
  DeadLetters,
  RawIntake,
  type BuriedLetter,
  type DeadLetterDecision,
  type DeadLetterDepth,
  type DeadLetterFilter,
  type DeadLetterQuery,
  type DeadLetterReach,
  type OpenLetters,
  type PublishOutcome,
  type RawMessage,
  type WholeLetter,
} from '@tocsin/contracts/ports';
import { aTenant } from '@tocsin/contracts/testing';

/** Dead letters in memory; a test can make them unavailable. */
export class MemoryDeadLetters extends DeadLetters {
  readonly stored: WholeLetter[] = [];
  away = false;

  add(letter: Partial<WholeLetter> = {}): WholeLetter {
    const body = letter.body ?? Buffer.from('{"id":"m"}');
    const added: WholeLetter = {
      dead_letter_id: this.stored.length + 1,
      tenant_id: aTenant('acme'),
      reason: 'invalid_field',
      detail: 'wrong',
      routing_key: 'alert.low.shop',
      message_id: null,
      message_timestamp: null,
      content_encoding: null,
      headers: null,
      body_bytes: body.length,
      truncated: false,
      buried_at: '2026-01-02T03:04:05.000Z',
      status: 'open',
      decided_at: null,
      decided_by: null,
      note: null,
      ...letter,
      body,
    };
    this.stored.push(added);
    return added;
  }

  async list(
    reach: DeadLetterReach,
    { behind, limit, status, order, ...filter }: DeadLetterQuery,
  ): Promise<BuriedLetter[]> {
    const isBehind = (id: number) => behind === null || (order === 'newest' ? id < behind : id > behind);
    const found = this.within(reach, filter).filter(
      (letter) => isBehind(letter.dead_letter_id) && (status === null || letter.status === status),
    );
    if (order === 'newest') found.reverse();
    return found.slice(0, limit).map(({ body: _, ...letter }) => letter);
  }

  async find(reach: DeadLetterReach, deadLetterId: number): Promise<WholeLetter | undefined> {
    const found = this.within(reach, { tenant_id: null, reason: null }).find(
      ({ dead_letter_id }) => dead_letter_id === deadLetterId,
    );
    return found && { ...found };
  }

  async oldest(reach: DeadLetterReach, letters: OpenLetters, limit: number): Promise<WholeLetter[]> {
    return this.open(reach, letters).slice(0, limit);
  }

  async count(reach: DeadLetterReach, letters: OpenLetters): Promise<{ letters: number; newest: number | null }> {
    const found = this.open(reach, letters);
    return { letters: found.length, newest: found.at(-1)?.dead_letter_id ?? null };
  }

  async decide(
    reach: DeadLetterReach,
    deadLetterIds: readonly number[],
    { status, by, note }: DeadLetterDecision,
  ): Promise<number[]> {
    const decided = this.within(reach, { tenant_id: null, reason: null }).filter(
      (letter) => letter.status === 'open' && deadLetterIds.includes(letter.dead_letter_id),
    );
    for (const letter of decided)
      Object.assign(letter, { status, note, decided_by: by, decided_at: '2026-01-03T00:00:00.000Z' });
    return decided.map(({ dead_letter_id }) => dead_letter_id);
  }

  async depth(): Promise<DeadLetterDepth[]> {
    const open = this.within('all', { tenant_id: null, reason: null }).filter(({ status }) => status === 'open');
    return [...new Set(open.map(({ reason }) => reason))].map((reason) => {
      const ofReason = open.filter((letter) => letter.reason === reason);
      return { reason, letters: ofReason.length, oldest: ofReason.map(({ buried_at }) => buried_at).sort()[0]! };
    });
  }

  private open(reach: DeadLetterReach, { up_to, whole, ...filter }: OpenLetters): WholeLetter[] {
    return this.within(reach, filter).filter(
      (letter) =>
        letter.status === 'open' && letter.dead_letter_id <= (up_to ?? Infinity) && !(whole && letter.truncated),
    );
  }

  private within(reach: DeadLetterReach, { tenant_id, reason }: DeadLetterFilter): WholeLetter[] {
    if (this.away) throw new Unavailable('log', 'away');
    const reached = this.stored.filter(({ tenant_id: of }) => {
      if (reach === 'all') return true;
      return 'allBut' in reach ? of === null || !reach.allBut.includes(of) : of !== null && reach.includes(of);
    });
    return reached.filter(
      (letter) =>
        (tenant_id === null || letter.tenant_id === tenant_id) && (reason === null || letter.reason === reason),
    );
  }
}

/** A queue that accepts redriven messages until a test says otherwise. */
export class MemoryRawIntake extends RawIntake {
  readonly published: RawMessage[] = [];
  away = false;
  /** How many messages it has room for. */
  room = Infinity;
  /** Whether the queue confirms a message. */
  confirms: (message: RawMessage) => boolean = () => true;

  async republish(messages: readonly RawMessage[]): Promise<PublishOutcome[]> {
    if (this.away) throw new Unavailable('queue', 'away');
    if (this.published.length + messages.length > this.room) throw new QueueFull('memory');
    this.published.push(...messages);
    return messages.map((message) =>
      this.confirms(message)
        ? { id: message.message_id, outcome: 'confirmed' }
        : { id: message.message_id, outcome: 'failed', reason: 'timeout' },
    );
  }
}
