import { describeReceipts } from '@tocsin/contracts/testing';
import { PostgresEventLog } from './event-log.postgres';
import { PostgresReceipts } from './receipts.postgres';
import { asOwner, freshDatabase } from './testing';

describeReceipts('PostgreSQL', {
  open: async () => {
    const fresh = await freshDatabase();
    const [processor, gateway] = (['tocsin_processor', 'tocsin_gateway'] as const).map((role) => fresh.open(role));
    return {
      log: new PostgresEventLog(processor!),
      receipts: new PostgresReceipts(gateway!),
      close: async () => {
        await Promise.all([processor!.close(), gateway!.close()]);
        await fresh.drop();
      },
    };
  },
});

it('a message that was folded has a receipt without a number', async () => {
  const fresh = await freshDatabase();
  const gateway = fresh.open('tocsin_gateway');
  try {
    await asOwner(
      { url: fresh.url },
      `insert into tocsin.idempotency values ('bakery', 'inventory', 'a', null, 'e1', null, 'h', now())`,
    );
    const asked = { tenant_id: 'bakery' as never, service: 'inventory', id: 'a', body_hash: 'h', bytes_sha256: '' };
    expect(await new PostgresReceipts(gateway).of([asked])).toEqual([{ outcome: 'folded' }]);
  } finally {
    await gateway.close();
    await fresh.drop();
  }
});
