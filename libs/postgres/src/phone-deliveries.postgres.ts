import { PROVIDER_STATUSES } from '@tocsin/contracts';
import type { PhoneDeliveries, ProviderReport, TextedAlert } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** Reports and replies of phones in the table `delivery`, by functions that set their tenants themselves. */
export class PostgresPhoneDeliveries implements PhoneDeliveries {
  constructor(private readonly database: Database) {}

  async report({ tenant_id, delivery_id, provider_id, status, reason, code }: ProviderReport): Promise<boolean> {
    const [row] = await this.database.call<{ known: boolean }>(
      'select tocsin.report_delivery($1, $2, $3, $4, $5, $6, $7) as known',
      [tenant_id, delivery_id, provider_id, status, PROVIDER_STATUSES, reason, code],
    );
    return row!.known;
  }

  async toldBy(phone: string, seq: number): Promise<TextedAlert[]> {
    const told = await this.database.call<TextedAlert>('select * from tocsin.told_by_phone($1, $2)', [phone, seq]);
    const tenants = new Set<string>();
    return told.filter(({ tenant_id }) => !tenants.has(tenant_id) && tenants.add(tenant_id));
  }
}
