import { Refused, TooSlow, type PlannedEvent } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Late } from './handle-batch';
import { ATTEMPTS_ALONE, type StoreResult } from './store-result';

/**
 * Into how many parts a slow statement is divided. Each level costs a statement timeout: three levels separate 500
 * events, halves would need nine.
 */
const PARTS = 8;

interface Held {
  event: PlannedEvent;
  resolve(result: StoreResult): void;
  reject(error: unknown): void;
}

/**
 * Takes the events of a statement that was cancelled because it took too long. They are tried in ever smaller parts,
 * each of one tenant, until the event at fault is alone; an event that fails alone `ATTEMPTS_ALONE` times is refused. A
 * part that fails goes to the end of the queue, so that no other part waits for it twice. Meanwhile the lanes go on.
 * They send events of quarantined tenants here, because the attempts lock the counters of those tenants.
 */
export class Quarantine {
  private readonly tenants = new Map<string, number>();
  private working: Promise<void> = Promise.resolve();

  constructor(private readonly eventLog: EventLog) {}

  holds(tenant: string): boolean {
    return this.tenants.has(tenant);
  }

  /** The same as `take`, in the form that a lane has. */
  add(events: readonly PlannedEvent[]): Promise<Late<StoreResult>[]> {
    return Promise.resolve(this.take(events));
  }

  /** Takes events over. The result of each event resolves as soon as it is known. */
  take(events: readonly PlannedEvent[]): Late<StoreResult>[] {
    const ofTenant = new Map<string, Held[]>();
    const late = events.map((event): Late<StoreResult> => {
      const result = new Promise<StoreResult>((resolve, reject) => {
        const { tenant_id } = event.message;
        const held = ofTenant.get(tenant_id);
        if (held) held.push({ event, resolve, reject });
        else ofTenant.set(tenant_id, [{ event, resolve, reject }]);
      });
      result.catch(() => undefined); // the caller still gets the rejection
      return { outcome: 'late', result };
    });
    for (const held of ofTenant.values()) this.enqueue(held);
    return late;
  }

  /** Queues events of one tenant, to be tried in one statement. */
  private enqueue(held: readonly Held[], attempt = 1): void {
    const tenant = held[0]!.event.message.tenant_id;
    this.tenants.set(tenant, (this.tenants.get(tenant) ?? 0) + 1);
    this.working = this.working.then(async () => {
      await this.attempt(held, attempt);
      const others = this.tenants.get(tenant)! - 1;
      if (others > 0) this.tenants.set(tenant, others);
      else this.tenants.delete(tenant);
    });
  }

  private async attempt(held: readonly Held[], attempt: number): Promise<void> {
    const events = held.map(({ event }) => event);
    try {
      const results = await this.eventLog.append(events);
      results.forEach((result, index) => held[index]!.resolve(result));
    } catch (error) {
      if (!(error instanceof Refused)) for (const { reject } of held) reject(error);
      else if (held.length > 1) this.divide(held, error instanceof TooSlow ? PARTS : 2);
      else if (attempt < ATTEMPTS_ALONE) this.enqueue(held, attempt + 1);
      else held[0]!.resolve({ outcome: 'refused', detail: error.message });
    }
  }

  private divide(held: readonly Held[], parts: number): void {
    const size = Math.ceil(held.length / parts);
    for (let from = 0; from < held.length; from += size) this.enqueue(held.slice(from, from + size));
  }
}
