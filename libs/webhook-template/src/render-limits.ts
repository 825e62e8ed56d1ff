import { Context, type Liquid } from 'liquidjs';

/** The most characters and items that one rendering may make. */
const MAX_MADE = 1_000_000;
/** The most parts of a template that one rendering may pass; a part within a loop counts each time. */
const MAX_PARTS = 10_000;
/**
 * The most CPU time of one rendering, in microseconds. A gateway tries templates between the writes of its streams. A
 * usual template takes less than a hundredth of it. The clock is no measure: a busy machine suspends a process for
 * longer than any rendering takes.
 */
const MAX_CPU_US = 20_000;
/** The CPU time is read once in so many parts, because reading it takes about as long as rendering a part. */
const PARTS_BETWEEN_READINGS = 8;

/** Ends a rendering that has passed too many parts or has used too much CPU time. */
export class TooMuchWork extends Error {
  constructor(
    what: string,
    /** Whether the CPU time ended it. Other threads of the process use it too, so another rendering may not need it. */
    readonly isSlow: boolean,
  ) {
    super(`${what} limit exceeded`);
  }
}

/**
 * What a rendering of `view` works on, limited. The engine's own limit of time reads the clock, and its limit of parts
 * is declared but not held (10.30.1).
 */
export function limitedContext(engine: Liquid, view: object): Context {
  const context = new Context(view, engine.options, { sync: true, memoryLimit: MAX_MADE });
  const startedAt = process.cpuUsage();
  let parts = 0;
  // called before each part, and once more where parts stand within a part
  context.renderLimit.check = () => {
    parts += 1;
    if (parts > MAX_PARTS) throw new TooMuchWork('template parts', false);
    if (parts % PARTS_BETWEEN_READINGS !== 0) return;
    const { user, system } = process.cpuUsage(startedAt);
    if (user + system > MAX_CPU_US) throw new TooMuchWork('template render', true);
  };
  return context;
}
