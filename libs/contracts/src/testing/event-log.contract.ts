import { aTenant } from './an-alert';
import { describeAlertState } from './event-log/alert-state.contract';
import { describeFolding } from './event-log/folding.contract';
import type { OpenEventLog } from './event-log/opened-log';
import { describeReading } from './event-log/reading.contract';
import { describeStoring } from './event-log/storing.contract';

export { FOLDS } from './event-log/opened-log';

/** What every `EventLog` does without a fault. `open` is called once, so tests use tenants of their own. */
export function describeEventLog(name: string, { open }: { open(): Promise<OpenEventLog> }): void {
  describe(`${name} as the log`, () => {
    let opened: OpenEventLog | undefined;
    const logs = () => opened!;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());

    describeStoring(logs);
    describeAlertState(logs);
    describeFolding(logs);
    describeReading(logs);

    it('takes dead letters with and without a tenant, with any bytes, and none', async () => {
      const body = Buffer.from([0, 255, 0xc3]);
      await logs().log.bury([
        { tenant_id: aTenant(), reason: 'invalid_field', detail: 'quotes a NUL: \0', body, routing_key: 'a.b.c\0' },
        { tenant_id: null, reason: 'invalid_json', detail: '', body: Buffer.alloc(0), routing_key: null },
      ]);
      await logs().log.bury([]);
    });
  });
}
