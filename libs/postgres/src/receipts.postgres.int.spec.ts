import { hash } from 'node:crypto';
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

it('dead letters are hashed once, so many messages of which nothing is known are asked about in time', async () => {
  const fresh = await freshDatabase();
  const gateway = fresh.open('tocsin_gateway');
  try {
    await asOwner(
      { url: fresh.url },
      `insert into tocsin.dead_letter (tenant_id, reason, detail, body)
       select 'bakery', 'invalid_message', 'no title', convert_to(nth || repeat('x', 20000), 'UTF8')
       from generate_series(1, 500) nth`,
    );
    const asked = Array.from({ length: 2_000 }, (_, nth) => ({
      tenant_id: 'bakery' as never,
      service: 'inventory',
      id: `unknown-${nth}`,
      body_hash: 'h',
      bytes_sha256: hash('sha256', `${nth === 0 ? 250 : 'unknown'}${'x'.repeat(20_000)}`),
    }));
    const [dead, ...rest] = await new PostgresReceipts(gateway).of(asked);
    expect(dead).toEqual({ outcome: 'dead', reason: 'invalid_message' });
    expect(rest.filter((receipt) => receipt !== undefined)).toEqual([]);
  } finally {
    await gateway.close();
    await fresh.drop();
  }
});
