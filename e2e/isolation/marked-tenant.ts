import { ask } from '../kit/http';
import { SseStream } from '../kit/sse-client';
import type { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';

const ALERTS = 8;
const SCOPES = 'alerts:read alerts:write dead_letters:manage';

/**
 * A tenant with one user. Every text field of it contains a word that appears nowhere else. `marks` are those words and
 * all values that the database made for it: ids, epochs, fingerprints. `known` are the values for calls, by field.
 */
export class MarkedTenant {
  readonly marks = new Set<string>();
  readonly known: Record<string, unknown[]> = {};
  readonly tenant: string;

  constructor(
    private readonly stack: Stack,
    readonly user: string,
  ) {
    this.tenant = this.mark('tenant');
    stack.tenantService.assign(user, [{ id: this.tenant, name: this.mark('named') }]);
  }

  get authorization(): string {
    return `Bearer ${tokenFor(this.user, { scope: SCOPES })}`;
  }

  /** A word of this tenant alone. It may also be a name or a label's key. */
  private mark(where: string): string {
    const word = `zq${this.user}${where}${this.marks.size}x`;
    this.marks.add(word);
    return word;
  }

  private remember<T>(field: string, value: T): T {
    (this.known[field] ??= []).push(value);
    return value;
  }

  /**
   * Publishes alerts and poison messages. Half of the shareable values are shared: the same service and keys, so that
   * filters overlap.
   */
  async publish(): Promise<void> {
    this.remember('tenant', this.tenant);
    this.remember('tenant_id', this.tenant);
    for (let at = 0; at < ALERTS; at += 1) {
      const isShared = at % 2 === 0;
      const [key, value] = [this.mark('key'), this.mark('value')];
      const service = isShared ? 'inventory' : this.mark('service');
      const body = {
        tenant_id: this.tenant,
        id: this.mark('id'),
        name: isShared ? 'low_stock' : this.mark('name'),
        title: `Flour ${this.remember('q', this.mark('title'))}`,
        message: `flour ${this.remember('q', this.mark('message'))}`,
        dedup_key: isShared ? `shared-${at}` : this.mark('dedup'),
        occurred_at: new Date(Date.UTC(2026, 0, 1, 0, at)).toISOString(),
        labels: { site: 'north', [key]: value },
        actions: [{ label: this.mark('action'), url: `https://example.org/${this.mark('url')}` }],
        metadata: { [this.mark('meta')]: [this.mark('metavalue')] },
      };
      this.remember('service', service);
      this.remember('name', body.name);
      this.remember('labels', { [`label.${key}`]: value });
      this.remember('labels', { [key]: value });
      await this.stack.amqp.publish(`alert.${['urgent', 'high', 'low'][at % 3]}.${service}`, body);
    }
    for (let at = 0; at < 3; at += 1)
      await this.stack.amqp.publish('alert.low.inventory', {
        tenant_id: this.tenant,
        id: this.mark('deadid'),
        title: this.mark('dead').repeat(30),
      });
  }

  /** Acts on stored alerts, and reads what the database has made of all of it. */
  async learn(gateway: string): Promise<void> {
    const alerts = await this.stack.sql<{ alert_id: string }>(
      'select alert_id from tocsin.alert where tenant_id = $1 order by first_seq',
      [this.tenant],
    );
    const ids = alerts.map(({ alert_id }) => alert_id);
    const headers = { Authorization: this.authorization, 'Content-Type': 'application/json' };
    for (const [at, act] of [
      { act: 'acknowledge' },
      { act: 'resolve' },
      { act: 'note' },
      { act: 'assign', assignee: 'me' },
    ].entries()) {
      const { status, text } = await ask(gateway, `/api/v1/alerts/${ids[at]}`, {
        method: 'PATCH',
        headers,
        body: JSON.stringify({ ...act, note: this.mark('note') }),
      });
      if (status !== 200) throw new Error(text);
    }
    for (const id of ids) for (const field of ['alert_id', 'alert_ids']) this.remember(field, id);
    const made = await this.stack.sql<{ mark: string }>(
      `select unnest(array[alert_id::text, event_id, fp]) as mark from tocsin.event where tenant_id = $1 union select epoch from tocsin.tenant_stream where tenant_id = $1`,
      [this.tenant],
    );
    for (const { mark } of made) this.marks.add(mark);
    const letters = await this.stack.sql<{ id: number }>(
      'select dead_letter_id::float8 as id from tocsin.dead_letter where tenant_id = $1',
      [this.tenant],
    );
    for (const { id } of letters) this.remember('id', id);
    await this.learnDeliveries();
    await this.learnCursors(gateway, ids[0]!);
  }

  /** A notification with a delivery that waits, a browser and a webhook: data that did not come as a message. */
  private async learnDeliveries(): Promise<void> {
    const [made] = await this.stack.sql<{ notification: string; delivery: string; webhook: string }>(
      `with said as (
         insert into tocsin.notification (tenant_id, title, severity, channels, recipients, to_channels, to_recipients, due_at, created_at, created_by)
         values ($1, $2, 'low', '{email}', array[$3], '{email}', array[$3], now() + interval '1 day', now(), $4) returning *
       ), planned as (
         insert into tocsin.delivery (tenant_id, notification_id, channel, recipient, due_at, created_at)
         select tenant_id, notification_id, 'email', $3, due_at, created_at from said returning *
       ), queued as (
         insert into tocsin.delivery_due (tenant_id, delivery_id, channel, recipient, planned_at, first_due_at, due_at)
         select tenant_id, delivery_id, channel, recipient, created_at, due_at, due_at from planned
       ), browser as (
         insert into tocsin.push_subscription (endpoint, tenant_id, user_id, issuer, p256dh, auth, renewed_at)
         values ('https://push.example/' || $5, $1, $4, '', 'x', 'x', now())
       ), hook as (
         insert into tocsin.webhook_endpoint (tenant_id, url) values ($1, 'https://hooks.example/' || $6) returning endpoint_id
       )
       select said.notification_id as notification, planned.delivery_id as delivery, hook.endpoint_id as webhook from said, planned, hook`,
      [
        this.tenant,
        this.mark('notified'),
        `${this.mark('recipient')}@example.org`,
        this.user,
        this.mark('browser'),
        this.mark('hook'),
      ],
    );
    for (const id of Object.values(made!)) {
      this.remember('id', id);
      this.marks.add(id);
    }
  }

  /** Positions of every kind: of a stream, of a list and its next page, of a history and of the event log. */
  private async learnCursors(gateway: string, alertId: string): Promise<void> {
    const headers = { Authorization: this.authorization };
    const stream = await SseStream.open(`${gateway}/api/events`, { headers, query: { since: '3' } });
    await stream.frame('connection');
    const pages = await Promise.all(
      ['alerts?limit=1', `alerts/${alertId}/history?limit=1`, 'events?limit=1'].map((path) =>
        ask(gateway, `/api/v1/${path}`, { headers }),
      ),
    );
    const cursors = [stream.cursor, ...pages.flatMap(({ json }) => [json.next, json.cursor])].filter(
      (cursor) => typeof cursor === 'string',
    );
    stream.close();
    for (const cursor of cursors)
      for (const field of ['after', 'Last-Event-ID', 'last_event_id', 'cursor']) this.remember(field, cursor);
  }

  /** All rows of the tenant, in every table. */
  async rows(): Promise<string> {
    const tables = await this.tables();
    const rows = await Promise.all(
      tables.map((table) =>
        this.stack.sql<{ rows: string }>(
          `select coalesce(string_agg(to_jsonb(r)::text, E'\\n' order by to_jsonb(r)::text), '') as rows from tocsin.${table} r where tenant_id = $1`,
          [this.tenant],
        ),
      ),
    );
    return tables.map((table, at) => `${table}\n${rows[at]![0]!.rows}`).join('\n');
  }

  /** Deletes everything of the tenant. */
  async erase(): Promise<void> {
    for (const table of await this.tables())
      await this.stack.sql(`delete from tocsin.${table} where tenant_id = $1`, [this.tenant]);
  }

  private async tables(): Promise<string[]> {
    const found = await this.stack.sql<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid where c.relnamespace = 'tocsin'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.attname = 'tenant_id' order by 1`,
    );
    return found.map(({ name }) => name);
  }
}
