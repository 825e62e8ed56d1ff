import { setTimeout as sleep } from 'node:timers/promises';

/** Awaits a condition by asking again every 5 ms. After `timeoutMs` (default 10 s) it throws what the last attempt threw. */
export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(5);
    }
  }
}
