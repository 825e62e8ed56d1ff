/** A page that is not seen paints no frames: then so late at most. */
const HIDDEN_MS = 200;

/** Calls back with the next painted frame, once however often it is asked to: what arrives within a frame is shown together. */
export class NextFrame {
  private frame: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly work: () => void) {}

  ask(): void {
    if (this.timer !== undefined) return;
    this.timer = setTimeout(this.now, HIDDEN_MS);
    this.frame = globalThis.requestAnimationFrame?.(this.now);
  }

  /** Does at once what was asked for. */
  readonly now = (): void => {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    if (this.frame !== undefined) globalThis.cancelAnimationFrame(this.frame);
    this.timer = this.frame = undefined;
    this.work();
  };
}
