import { setTimeout as sleep } from 'node:timers/promises';

const SOON_MS = 5;
const SELDOM_MS = 50;

/**
 * Waits for a condition by checking again: every 5 ms at first, then after a tenth of the time waited so far, at least
 * every 50 ms. More checks of a database or a page would slow down what the test waits for. After `timeoutMs` (default
 * 10 s) it throws the error of the last check.
 */
export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> {
  const since = Date.now();
  for (;;) {
    try {
      return await check();
    } catch (error) {
      const waitedMs = Date.now() - since;
      if (waitedMs > timeoutMs) throw error;
      await sleep(Math.min(SELDOM_MS, Math.max(SOON_MS, waitedMs / 10)));
    }
  }
}
