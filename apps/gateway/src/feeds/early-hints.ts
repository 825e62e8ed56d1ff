import type { Hint } from '@tocsin/contracts';

/** The most bytes of hints that wait for earlier ones. Hints beyond that are read from the event log instead. */
const MAX_BYTES = 1_048_576;

/** Hints that arrived before their predecessors, by number. They wait here until those have arrived. */
export class EarlyHints {
  private readonly hints = new Map<number, Hint>();
  private bytes = 0;

  constructor(
    private readonly maxHints: number,
    private readonly maxBytes = MAX_BYTES,
  ) {}

  get size(): number {
    return this.hints.size;
  }

  get seqs(): number[] {
    return [...this.hints.keys()];
  }

  at(seq: number): Hint | undefined {
    return this.hints.get(seq);
  }

  /** Keeps a hint that carries its data. A duplicate, or a hint for which there is no room, is dropped. */
  keep(hint: Hint): void {
    const bytes = hint.data!.length;
    if (this.hints.has(hint.seq) || this.hints.size >= this.maxHints || this.bytes + bytes > this.maxBytes) return;
    this.hints.set(hint.seq, hint);
    this.bytes += bytes;
  }

  forget(seq: number): void {
    this.bytes -= this.hints.get(seq)?.data?.length ?? 0;
    this.hints.delete(seq);
  }

  /** Forgets the hints up to a number, which have been handled. */
  forgetUpTo(seq: number): void {
    for (const one of this.hints.keys()) if (one <= seq) this.forget(one);
  }

  clear(): void {
    this.hints.clear();
    this.bytes = 0;
  }
}
