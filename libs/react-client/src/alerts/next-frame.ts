/** A hidden page paints no frames: the work is then done after this time. */
const HIDDEN_MS = 200;

/**
 * Does its work once before the next painted frame, however often it is asked for, so that changes within one frame
 * show together.
 */
export class NextFrame {
  private frame: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly work: () => void) {}

  ask(): void {
    if (this.timer !== undefined) return;
    this.timer = setTimeout(this.now, HIDDEN_MS);
    this.frame = globalThis.requestAnimationFrame?.(this.now);
  }

  /** Does the work at once if it was asked for. */
  readonly now = (): void => {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    if (this.frame !== undefined) globalThis.cancelAnimationFrame(this.frame);
    this.timer = this.frame = undefined;
    this.work();
  };
}
