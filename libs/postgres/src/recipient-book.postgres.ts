import { hash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { CHANNELS, SEVERITIES, type Recipients, type TenantId } from '@tocsin/contracts';
import type { RecipientBook, TaggedRecipients } from '@tocsin/contracts/ports';
import type { Database } from './database';
import { Recipient } from './recipient';

/** Recipients in the table `recipient`, row by row. */
export class PostgresRecipientBook implements RecipientBook {
  constructor(private readonly database: Database) {}

  of(tenant: TenantId): Promise<TaggedRecipients> {
    return this.database.as([tenant], (manager) => read(manager, tenant));
  }

  replace(tenant: TenantId, recipients: Recipients, expected: string | null): Promise<TaggedRecipients | undefined> {
    return this.database.as([tenant], async (manager) => {
      // one replacement of a tenant at a time: there may be no row yet that could be locked
      await manager.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`recipient ${tenant}`]);
      if (expected !== null && (await read(manager, tenant)).etag !== expected) return undefined;
      const repository = manager.getRepository(Recipient);
      await repository.delete({ tenant_id: tenant });
      const rows = rowsOf(tenant, recipients);
      if (rows.length > 0) await repository.insert(rows);
      return read(manager, tenant);
    });
  }
}

async function read(manager: EntityManager, tenant: TenantId): Promise<TaggedRecipients> {
  const rows = await manager.getRepository(Recipient).find({ where: { tenant_id: tenant }, order: { address: 'ASC' } });
  const recipients: Recipients = {};
  for (const severity of SEVERITIES)
    for (const channel of CHANNELS) {
      const addresses = rows
        .filter((row) => row.severity === severity && row.channel === channel)
        .map(({ address }) => address);
      if (addresses.length > 0) (recipients[severity] ??= {})[channel] = addresses;
    }
  return { recipients, etag: hash('sha256', JSON.stringify(recipients), 'base64url').slice(0, 22) };
}

const rowsOf = (tenant_id: TenantId, recipients: Recipients): Recipient[] =>
  SEVERITIES.flatMap((severity) =>
    CHANNELS.flatMap((channel) =>
      [...new Set(recipients[severity]?.[channel] ?? [])].map((address) => ({ tenant_id, severity, channel, address })),
    ),
  );
