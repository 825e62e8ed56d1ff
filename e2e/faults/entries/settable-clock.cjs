// Loaded before an app (node --require). Each SIGUSR2 puts its wall clock one hour ahead. Timers and the monotonic
// clock do not change, as when an operator sets the machine's time.
const { now } = Date;
let aheadMs = 0;
process.on('SIGUSR2', () => (aheadMs += 3_600_000));
globalThis.Date = class extends Date {
  constructor(...parts) {
    if (parts.length === 0) super(now() + aheadMs);
    else super(...parts);
  }
  static now() {
    return now() + aheadMs;
  }
};
