import type { TenantId } from '@tocsin/contracts';
import type { AlertQueries, NamedAlert } from '@tocsin/contracts/ports';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often, and at which interval in milliseconds, an alert is looked for. */
const TIMES = 5;
const AGAIN_MS = 100;

/**
 * The alert of a key that its sender has named: the message that raises it may be in the queue still. Waits up to half
 * a second for it.
 */
export async function namedSoon(
  queries: Pick<AlertQueries, 'named'>,
  tenant: TenantId,
  service: string,
  dedup_key: string,
): Promise<NamedAlert | undefined> {
  for (let asked = 1; ; asked += 1) {
    const alert = await queries.named(tenant, service, dedup_key);
    if (alert || asked === TIMES) return alert;
    await sleep(AGAIN_MS);
  }
}
