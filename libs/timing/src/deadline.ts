/**
 * The result of `work`, or what `late` returns or throws after `timeoutMs` milliseconds. Work that is too late goes on,
 * and its later result is ignored, including a rejection.
 *
 * A reply that arrived while this process was busy is in time: when the timer fires late, the event loop first reads
 * what waits on its sockets, and calls `late` only after that.
 */
export async function within<T, L>(timeoutMs: number, work: Promise<T>, late: () => L): Promise<T | Awaited<L>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<L>((resolve, reject) => {
    const decide = () => {
      if (timer === undefined) return;
      try {
        resolve(late());
      } catch (error) {
        reject(error as Error);
      }
    };
    timer = setTimeout(() => setImmediate(decide), timeoutMs);
  });
  try {
    return (await Promise.race([work, timeout])) as T | Awaited<L>;
  } finally {
    clearTimeout(timer);
    timer = undefined;
  }
}
