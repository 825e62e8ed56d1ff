// Loaded before an app (node --require): its wall clock goes ahead by an hour with each SIGUSR2. Timers and the monotonic clock
// do not notice, as when somebody sets the machine's time.
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
