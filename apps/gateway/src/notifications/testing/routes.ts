import { signToken, type Scope } from '@tocsin/auth';
import type { Notification, NotificationDetail, TenantId } from '@tocsin/contracts';
import type { EventLog, Notifications } from '@tocsin/contracts/ports';
import { startAll, type PlayedQueue } from '@tocsin/contracts/testing';

export const SECRET = 'the-secret-of-these-tests-0123456789';

/** A gateway with these routes on a store, and what else works on that store. */
export interface OpenRoutes {
  /** The address of `/api/v1`. */
  base: string;
  /** The notifier's part of the notifications. */
  notifier: Notifications;
  /** What notifiers do, and the time that passes. */
  queue: PlayedQueue;
  /** The processor's log. */
  log: EventLog;
  /** How often the doorbell of the notifiers was rung. */
  rings(): number;
}

export interface Answer<T> {
  status: number;
  body: T & { code: string; detail: string; errors: { pointer?: string; parameter?: string; code: string }[] };
  headers: Headers;
}

export const token = (user_id: string, scopes: Scope[], tenants?: unknown[]) =>
  signToken(SECRET, { user_id, expiresInSeconds: 60, scopes, claims: tenants ? { tenants } : {} });

export const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

export type NotificationRoutes = ReturnType<typeof notificationRoutes>;

/** Asks the routes as their users do. `tenant` is the tenant of the present test. */
export function notificationRoutes(opened: () => OpenRoutes, tenant: () => TenantId) {
  const ana = () => token('ana', ['alerts:read', 'alerts:write'], [{ id: tenant(), role: 'owner' }, 'other']);
  const viewer = () => token('vic', ['alerts:read', 'alerts:write'], [{ id: tenant(), role: 'Viewer' }]);
  const eve = () => token('eve', ['alerts:read', 'alerts:write'], ['diner']);
  const orders = () => token('orders', ['events:publish']);
  const operator = () => token('ops', ['dead_letters:operate']);

  async function ask<T = object>(
    method: string,
    path: string,
    by: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${opened().base}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${by}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer<T>['body'], headers: response.headers };
  }
  const body = (more: object = {}) => ({
    tenant_id: tenant(),
    title: 'Your order is on its way',
    recipients: ['ana@example.com'],
    channels: ['email'],
    ...more,
  });
  const create = (more: object = {}, by = orders(), headers: Record<string, string> = {}) =>
    ask<Notification>('POST', '/notifications', by, body(more), headers);
  const start = () => startAll(opened().notifier);
  const deliveriesOf = async (id: string) =>
    (await ask<NotificationDetail>('GET', `/notifications/${id}`, ana())).body.deliveries;

  return {
    ask,
    body,
    create,
    start,
    deliveriesOf,
    ana,
    viewer,
    eve,
    orders,
    operator,
    queue: () => opened().queue,
    log: () => opened().log,
    tenant,
    rings: () => opened().rings(),
  };
}
