import { setTimeout as sleep } from 'node:timers/promises';

const SOON_MS = 5;
const SELDOM_MS = 50;

/**
 * Awaits a condition by asking again: every 5 ms at first, then whenever it has waited a tenth longer, at least every 50 ms. Who asks
 * a database or a page takes time from what is waited for. After `timeoutMs` (default 10 s) it throws what the last attempt threw.
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
