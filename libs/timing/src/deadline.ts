/**
 * What `work` comes to, or what `late` returns or throws once `timeoutMs` milliseconds are over. Work that is given up goes
 * on: what it comes to later is dropped, a rejection included.
 *
 * An answer that arrived while this process was busy is in time: when the timer fires late, the event loop reads what waits on
 * its sockets first, and only then is `late` called.
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
