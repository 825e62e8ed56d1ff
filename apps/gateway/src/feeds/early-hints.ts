import type { Hint } from '@tocsin/contracts';

/** The most bytes of hints that wait for those before them. What comes beyond is read from the log. */
const MAX_BYTES = 1_048_576;

/** Hints that came before their turn, by number, until those before them are there. */
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

  /** Keeps a hint that has its data. One that is here already, or that there is no room for, is dropped. */
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

  /** Forgets those up to a number: they have had their turn. */
  forgetUpTo(seq: number): void {
    for (const one of this.hints.keys()) if (one <= seq) this.forget(one);
  }

  clear(): void {
    this.hints.clear();
    this.bytes = 0;
  }
}
