import type { SlotAnswer, SlotStatement } from '@tocsin/transport';
import type { Tally } from './shared-log';

/** A statement, or that a gateway has closed. */
export type SlotEntry = SlotStatement | { readonly gateway: string; readonly closed: true };

interface Gateway {
  /** Until when its counts are valid, by the clock of NATS, in milliseconds. */
  aliveUntil: number;
  readonly streams: Map<string, number>;
}

/** How long the counts of a dead gateway are remembered, in milliseconds, in case it was only cut off. */
const FORGOTTEN_AFTER_MS = 60_000;

/** The streams of all gateways, computed of their statements. Only the clock of NATS decides who is alive. */
export class SlotTally implements Tally<SlotEntry, SlotAnswer> {
  readonly #gateways = new Map<string, Gateway>();

  reset(): void {
    this.#gateways.clear();
  }

  take(entry: SlotEntry, atMs: number): SlotAnswer {
    if ('closed' in entry) {
      this.#gateways.delete(entry.gateway);
      return { full: [], forgotten: false };
    }
    const { gateway, lifetimeMs, slots, counts, wanted } = entry;
    for (const [id, { aliveUntil }] of this.#gateways)
      if (aliveUntil < atMs - FORGOTTEN_AFTER_MS) this.#gateways.delete(id);
    const forgotten = !this.#gateways.has(gateway);
    const known: Gateway = this.#gateways.get(gateway) ?? { aliveUntil: 0, streams: new Map() };
    known.aliveUntil = atMs + lifetimeMs;
    this.#gateways.set(gateway, known);
    const own = [...counts];
    const full = wanted.map((stream) => {
      const others = (slot: number) => this.#streamsOfOthers(gateway, slots[slot]!, atMs);
      const fullAt = stream.findIndex(([slot, limit]) => own[slot]! + others(slot) >= limit);
      if (fullAt < 0) for (const [slot] of stream) own[slot]! += 1;
      return fullAt + 1;
    });
    slots.forEach((slot, at) => (own[at]! > 0 ? known.streams.set(slot, own[at]!) : known.streams.delete(slot)));
    return { full, forgotten };
  }

  /** How many streams living gateways have in a slot, by what they said. */
  streamsIn(slot: string, atMs: number): number {
    return this.#streamsOfOthers(undefined, slot, atMs);
  }

  #streamsOfOthers(gateway: string | undefined, slot: string, atMs: number): number {
    let sum = 0;
    for (const [id, { aliveUntil, streams }] of this.#gateways)
      if (id !== gateway && aliveUntil > atMs) sum += streams.get(slot) ?? 0;
    return sum;
  }
}
