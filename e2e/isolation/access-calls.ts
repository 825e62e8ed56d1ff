import { makeCall, type Answer } from '../kit/fuzzed-calls';
import type { Stack } from '../kit/stack';
import type { Row, Target } from './access-rows';

/**
 * Something of a tenant that can be asked for: an alert that fires, a dead letter that is open, and its place in the
 * log.
 */
export async function targetIn(stack: Stack, tenant: string): Promise<Target> {
  const [alert] = await stack.sql<{ alert_id: string }>(
    `select alert_id from tocsin.alert where tenant_id = $1 and status = 'firing' and service not in ('published', 'pagerduty', 'opsgenie') order by alert_id limit 1`,
    [tenant],
  );
  const [letter] = await stack.sql<{ id: string }>(
    `select dead_letter_id::text as id from tocsin.dead_letter where tenant_id = $1 and status = 'open' order by 1 limit 1`,
    [tenant],
  );
  const [notification] = await stack.sql<{ id: string }>(
    `insert into tocsin.notification (tenant_id, title, severity, channels, recipients, to_channels, to_recipients, due_at, created_at, created_by)
     values ($1, 'Secret of ' || $1, 'low', '{push}', '{user:ana}', '{push}', '{user:ana}', now() + interval '1 hour', now(), 'somebody')
     returning notification_id as id`,
    [tenant],
  );
  const [delivery] = await stack.sql<{ id: string }>(
    `with made as (
       insert into tocsin.delivery (tenant_id, notification_id, channel, recipient, due_at, created_at)
       values ($1, $2, 'push', 'user:ana', now() + interval '1 hour', now()) returning *
     )
     insert into tocsin.delivery_due (tenant_id, delivery_id, channel, recipient, planned_at, first_due_at, due_at)
     select tenant_id, delivery_id, channel, recipient, created_at, due_at, due_at from made returning delivery_id as id`,
    [tenant, notification!.id],
  );
  const [webhook] = await stack.sql<{ id: string }>(
    `insert into tocsin.webhook_endpoint (tenant_id, url) values ($1, 'https://hooks.example.com/')
     on conflict (tenant_id, url) do update set used_on = current_date returning endpoint_id as id`,
    [tenant],
  );
  const [head] = await stack.sql<{ epoch: string; fp: string }>(
    'select epoch, last_fp as fp from tocsin.tenant_stream where tenant_id = $1',
    [tenant],
  );
  return {
    tenant,
    alert: alert!.alert_id,
    letter: letter!.id,
    notification: notification!.id,
    delivery: delivery!.id,
    webhook: webhook!.id,
    ...head!,
  };
}

/** Calls an operation as a row of the table says. */
export async function callRow(
  gateway: string,
  { call, enough }: Row,
  [path, method]: readonly [string, string],
  token: string,
  target: Target,
  assets: Record<string, string> = {},
): Promise<Answer> {
  const { values = {}, query = '', body } = call(target, assets);
  const address = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name]!)) + query;
  const headers = {
    Authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
  };
  return makeCall(
    gateway,
    method.toUpperCase(),
    { path: address, headers, body: body === undefined ? undefined : JSON.stringify(body) },
    enough,
  );
}

/** What the table compares: the status with the code of a refusal, or with what the row reads in the body. */
export function outcomeOf({ status, type, text }: Answer, { read }: Row): string {
  if (status < 300 && read) return `${status} ${read(text)}`;
  // another system's answer has the code as well
  return status >= 400 && /^application\/(problem\+)?json/.test(type)
    ? `${status} ${(JSON.parse(text) as { code: string }).code}`
    : String(status);
}
