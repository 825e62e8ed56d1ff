import { Unavailable, type TenantId } from '@tocsin/contracts';
import type { EndpointDisabledReason, WebhookEndpoint, WebhookFormat, WebhookSecret } from '@tocsin/contracts/wire';
import {
  SECRET_OVERLAP_MS,
  type EndpointChange,
  type EndpointFailure,
  type EndpointInUse,
  type WebhookEndpoints,
} from '@tocsin/contracts/ports';
import type { Database } from './database';
import { WebhookSecrets } from './webhook-secrets';

interface EndpointRow extends Omit<WebhookEndpoint, 'tenant_id'> {
  tenant_id: TenantId;
  sealed_headers: string | null;
}

/** Webhook endpoints in the table `webhook_endpoint`, which only functions may read and write. */
export class PostgresWebhookEndpoints implements WebhookEndpoints {
  private secrets: Promise<WebhookSecrets> | undefined;

  /** `key`: the key of secrets and headers. Default: the key in the database. */
  constructor(
    private readonly database: Database,
    private readonly key?: string,
  ) {}

  async use(tenant: TenantId, url: string): Promise<EndpointInUse> {
    const [row] = await this.database.call<EndpointRow>('select * from tocsin.use_webhook_endpoint($1, $2)', [
      tenant,
      url,
    ]);
    const secrets = await this.readSecrets();
    const { endpoint_id, format, template, disabled_at, failing_since } = row!;
    return {
      endpoint_id,
      format,
      template,
      headers: headersOf(row!, secrets),
      secrets: versionsOf(row!).map((version) => secrets.secretOf(row!, version)),
      disabled: disabled_at !== null,
      failing: failing_since !== null,
    };
  }

  async succeeded(tenant: TenantId, endpointId: string): Promise<void> {
    await this.database.call('select tocsin.webhook_endpoint_succeeded($1, $2)', [tenant, endpointId]);
  }

  async failed(
    tenant: TenantId,
    endpointId: string,
    { gone, disableAfterMs, forgetAfterMs }: EndpointFailure,
  ): Promise<EndpointDisabledReason | null> {
    const [row] = await this.database.call<{ why: EndpointDisabledReason | null }>(
      `select tocsin.webhook_endpoint_failed($1, $2, $3, $4 * interval '1 ms', $5 * interval '1 ms') as why`,
      [tenant, endpointId, gone, disableAfterMs, forgetAfterMs],
    );
    return row!.why;
  }

  async list(tenants: readonly TenantId[]): Promise<WebhookEndpoint[]> {
    return (await this.read(tenants, null)).map(shown);
  }

  async find(tenants: readonly TenantId[], endpointId: string): Promise<WebhookEndpoint | undefined> {
    const [row] = await this.read(tenants, endpointId);
    return row && shown(row);
  }

  async change(
    tenants: readonly TenantId[],
    endpointId: string,
    by: string,
    { format, template, headers, enabled, rotate }: EndpointChange,
  ): Promise<WebhookEndpoint | undefined> {
    const names = headers ? Object.keys(headers) : null;
    const sealed = names?.length ? await this.seal(tenants, endpointId, headers!) : null;
    const row = await this.write(tenants, endpointId, by, {
      format: format === undefined ? null : (format ?? ''),
      template: template === undefined ? null : (template ?? ''),
      names,
      sealed,
      enabled: enabled ?? null,
      rotate: rotate ?? false,
    });
    return row && shown(row);
  }

  async secretOf(tenants: readonly TenantId[], endpointId: string, by: string): Promise<WebhookSecret | undefined> {
    const unchanged = { format: null, template: null, names: null, sealed: null, enabled: null, rotate: false };
    const row = await this.write(tenants, endpointId, by, unchanged);
    if (!row) return undefined;
    const secrets = await this.readSecrets();
    const [secret, previous] = versionsOf(row).map((version) => secrets.secretOf(row, version));
    return {
      endpoint_id: row.endpoint_id,
      secret: secret!,
      secret_version: row.secret_version,
      previous_secret: previous ?? null,
      previous_until: previous ? new Date(Date.parse(row.rotated_at!) + SECRET_OVERLAP_MS).toISOString() : null,
    };
  }

  async test(tenants: readonly TenantId[], endpointId: string, by: string): Promise<string | undefined> {
    const [row] = await this.database.call<{ made: string | null }>(
      'select tocsin.test_webhook_endpoint($1, $2, $3) as made',
      [tenants, endpointId, by],
    );
    return row!.made ?? undefined;
  }

  private read(tenants: readonly TenantId[], endpointId: string | null): Promise<EndpointRow[]> {
    return this.database.call<EndpointRow>('select * from tocsin.read_webhook_endpoints($1, $2)', [
      tenants,
      endpointId,
    ]);
  }

  private async write(
    tenants: readonly TenantId[],
    endpointId: string,
    by: string,
    to: {
      format: WebhookFormat | '' | null;
      template: string | null;
      names: string[] | null;
      sealed: string | null;
      enabled: boolean | null;
      rotate: boolean;
    },
  ): Promise<EndpointRow | undefined> {
    const [row] = await this.database.call<EndpointRow>(
      'select * from tocsin.change_webhook_endpoint($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [tenants, endpointId, by, to.format, to.names, to.sealed, to.enabled, to.rotate, to.template],
    );
    return row;
  }

  /**
   * Encrypts headers for their endpoint. The encryption includes the tenant, so the tenant is read first; it never
   * changes.
   */
  private async seal(
    tenants: readonly TenantId[],
    endpointId: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<string | null> {
    const [row] = await this.read(tenants, endpointId);
    return row ? (await this.readSecrets()).seal(row, JSON.stringify(headers)) : null;
  }

  /** Reads the key once for each process. After a failure the next caller tries again. */
  private readSecrets(): Promise<WebhookSecrets> {
    this.secrets ??= this.readKey().then(
      (key) => new WebhookSecrets(key),
      (error: unknown) => {
        this.secrets = undefined;
        throw error;
      },
    );
    return this.secrets;
  }

  private async readKey(): Promise<string> {
    if (this.key) return this.key;
    const [row] = await this.database.call<{ key: string | null }>('select tocsin.current_webhook_key() as key');
    if (!row?.key) throw new Unavailable('log', 'The database has no key for webhooks.', { technology: 'postgres' });
    return row.key;
  }
}

/** The versions whose secrets sign now, the newest first. */
function versionsOf({ secret_version, rotated_at }: EndpointRow): number[] {
  const overlaps = rotated_at !== null && Date.now() < Date.parse(rotated_at) + SECRET_OVERLAP_MS;
  return overlaps ? [secret_version, secret_version - 1] : [secret_version];
}

function headersOf(row: EndpointRow, secrets: WebhookSecrets): Record<string, string> | null {
  if (row.sealed_headers === null) return {};
  try {
    return JSON.parse(secrets.open(row, row.sealed_headers)) as Record<string, string>;
  } catch {
    return null;
  }
}

/** The columns that users may see: neither the encrypted headers nor columns of a later release. */
const shown = (row: EndpointRow): WebhookEndpoint => ({
  endpoint_id: row.endpoint_id,
  tenant_id: row.tenant_id,
  url: row.url,
  format: row.format,
  template: row.template,
  header_names: row.header_names,
  secret_version: row.secret_version,
  rotated_at: row.rotated_at,
  failing_since: row.failing_since,
  disabled_at: row.disabled_at,
  disabled_reason: row.disabled_reason,
  owner: row.owner,
  created_at: row.created_at,
});
