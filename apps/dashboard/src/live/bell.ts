import type { Severity } from '@tocsin/contracts/wire';

/** Two alerts within this time ring once. */
const QUIET_MS = 3_000;
/** The partials of a bell, as multiples of its note, with their loudness and how long each takes to fade. */
const PARTIALS = [
  { ratio: 0.5, gain: 0.35, fadeSeconds: 1.6 },
  { ratio: 1, gain: 0.6, fadeSeconds: 1.2 },
  { ratio: 1.19, gain: 0.28, fadeSeconds: 0.9 },
  { ratio: 2, gain: 0.32, fadeSeconds: 0.7 },
  { ratio: 2.74, gain: 0.14, fadeSeconds: 0.45 },
] as const;
const NOTE_HZ: Partial<Record<Severity, number>> = { urgent: 880, high: 660 };
const STRIKES: Partial<Record<Severity, number>> = { urgent: 3, high: 1 };
const BETWEEN_STRIKES_SECONDS = 0.32;

/**
 * The bell, made of sine waves rather than a recording. Browsers keep a page silent until the user first clicks or
 * presses a key: `ready` is false until then, and an alert from before does not ring late.
 */
export class Bell {
  private context: AudioContext | undefined;
  private lastAt = Number.NEGATIVE_INFINITY;
  private readonly listeners = new Set<() => void>();

  /** Waits for the user's first click or key. Returns a function that removes the listeners. */
  awaitTouch(target: Document): () => void {
    const touched = () => {
      stop();
      this.context ??= new AudioContext();
      void this.context.resume().then(() => this.listeners.forEach((listener) => listener()));
    };
    const stop = () => {
      target.removeEventListener('pointerdown', touched, true);
      target.removeEventListener('keydown', touched, true);
    };
    target.addEventListener('pointerdown', touched, true);
    target.addEventListener('keydown', touched, true);
    return stop;
  }

  get ready(): boolean {
    return this.context?.state === 'running';
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /**
   * Rings for a severity that has a sound, unless the bell has just rung. Volume is 0 to 1. Returns whether it rang.
   */
  ring(severity: Severity, volume: number, { now = performance.now(), even = false } = {}): boolean {
    const strikes = STRIKES[severity];
    if (!strikes || !this.context || !this.ready || volume <= 0) return false;
    if (!even && now - this.lastAt < QUIET_MS) return false;
    this.lastAt = now;
    for (let strike = 0; strike < strikes; strike++)
      this.strike(NOTE_HZ[severity]!, volume, this.context.currentTime + strike * BETWEEN_STRIKES_SECONDS);
    return true;
  }

  private strike(hz: number, volume: number, at: number): void {
    const context = this.context!;
    for (const { ratio, gain, fadeSeconds } of PARTIALS) {
      const wave = context.createOscillator();
      const loudness = context.createGain();
      wave.frequency.value = hz * ratio;
      loudness.gain.setValueAtTime(0, at);
      loudness.gain.linearRampToValueAtTime(gain * volume * 0.4, at + 0.005);
      loudness.gain.exponentialRampToValueAtTime(0.0001, at + fadeSeconds);
      wave.connect(loudness).connect(context.destination);
      wave.start(at);
      wave.stop(at + fadeSeconds);
    }
  }
}
