// How the measures of this folder take time and WAL.
/** How often each question is asked. */
export const RUNS = 150;

/** A random whole number below `count`. */
export const below = (count) => Math.floor(Math.random() * count);

function percentiles(times) {
  times.sort((a, b) => a - b);
  return {
    p50: times[Math.floor(times.length * 0.5)],
    p99: times[Math.min(times.length - 1, Math.ceil(times.length * 0.99) - 1)],
  };
}

/** Milliseconds of the work that `prepare` returns for each run; to prepare it does not count. */
export async function timed(prepare) {
  const times = [];
  for (let run = 0; run < RUNS; run += 1) {
    const one = await prepare(run);
    const since = performance.now();
    await one();
    times.push(performance.now() - since);
  }
  return percentiles(times);
}

/** Seconds since the last call, or since it was made. */
export function stopwatch() {
  let since = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - since) / 1000;
    since = now;
    return seconds;
  };
}

/** How many bytes of WAL the server writes while `work` runs. */
export async function walOf(owner, work) {
  const {
    rows: [{ at }],
  } = await owner.query('select pg_current_wal_insert_lsn() as at');
  await work();
  const {
    rows: [{ bytes }],
  } = await owner.query('select pg_current_wal_insert_lsn() - $1::pg_lsn as bytes', [at]);
  return Number(bytes);
}
