import { hash } from 'node:crypto';
import type { PlannedEvent, StoredEvent } from '../event';
import type { EventLog, PublishedMessage, Receipts } from '../ports';
import { aPlannedEvent, aTenant } from './an-alert';

interface OpenReceipts {
  receipts: Receipts;
  log: EventLog;
  close(): Promise<void>;
}

const bytesOf = (message: PlannedEvent['message']) => Buffer.from(JSON.stringify(message));
const asPublished = ({ message, body_hash }: PlannedEvent): PublishedMessage => ({
  ...message,
  body_hash,
  bytes_sha256: hash('sha256', bytesOf(message), 'hex'),
});

/** What every `Receipts` does without a fault. `log` is the event log that it asks. */
export function describeReceipts(name: string, { open }: { open(): Promise<OpenReceipts> }): void {
  describe(`receipts of ${name}`, () => {
    let opened: OpenReceipts;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());

    it('tell where each message stands, in the order asked for, and nothing of what has not come yet', async () => {
      const [one, two] = [aTenant(), aTenant()];
      const events = [one, two, one].map((tenant_id) => aPlannedEvent({ tenant_id }));
      const stored = (await opened.log.append(events)).map((result) => (result as { event: StoredEvent }).event);
      const asked = [events[2]!, aPlannedEvent({ tenant_id: one }), events[1]!].map(asPublished);
      expect(await opened.receipts.of(asked)).toEqual([
        { outcome: 'stored', position: { epoch: stored[2]!.epoch, seq: 2, fp: stored[2]!.fp } },
        undefined,
        { outcome: 'stored', position: { epoch: stored[1]!.epoch, seq: 1, fp: stored[1]!.fp } },
      ]);
      expect(await opened.receipts.of([])).toEqual([]);
    });

    it('tell that a message is dead, by its id when another body is stored under it, by its bytes when it was put on record', async () => {
      const tenant_id = aTenant();
      const first = aPlannedEvent({ tenant_id });
      const dead = aPlannedEvent({ tenant_id });
      await opened.log.append([first]);
      await opened.log.bury([
        { tenant_id, reason: 'store_failed', detail: 'x', body: bytesOf(dead.message), routing_key: null },
      ]);
      expect(await opened.receipts.of([{ ...asPublished(first), body_hash: 'another' }, asPublished(dead)])).toEqual([
        { outcome: 'dead', reason: 'id_conflict' },
        { outcome: 'dead', reason: 'store_failed' },
      ]);
    });

    it('tell of a dead letter without a tenant too, but only to a caller who has its bytes', async () => {
      const dead = aPlannedEvent({ tenant_id: aTenant() });
      await opened.log.bury([
        { tenant_id: null, reason: 'delivery_limit', detail: 'x', body: bytesOf(dead.message), routing_key: null },
      ]);
      expect(await opened.receipts.of([aPlannedEvent({ tenant_id: aTenant() }), dead].map(asPublished))).toEqual([
        undefined,
        { outcome: 'dead', reason: 'delivery_limit' },
      ]);
    });

    it('take a message that was stored under another way of hashing for the same one', async () => {
      const event = aPlannedEvent({ tenant_id: aTenant() }, { body_hash: 'as-it-was-made-before-00' });
      await opened.log.append([event]);
      const asked = ['2.now', 'as-another-was-before'].map((body_hash) => ({ ...asPublished(event), body_hash }));
      expect(await opened.receipts.of(asked)).toMatchObject([
        { outcome: 'stored' },
        { outcome: 'dead', reason: 'id_conflict' },
      ]);
    });

    it('are those of the same tenant and service alone', async () => {
      const event = aPlannedEvent({ tenant_id: aTenant() });
      await opened.log.append([event]);
      const asked = [
        { ...asPublished(event), service: 'other' },
        { ...asPublished(event), tenant_id: aTenant() },
      ];
      expect(await opened.receipts.of(asked)).toEqual([undefined, undefined]);
    });
  });
}
