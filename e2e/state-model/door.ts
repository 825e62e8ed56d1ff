import { randomUUID } from 'node:crypto';
import type { Alert, AlertPage, Entry, EntryPage } from '@tocsin/contracts/wire';
import { ask, askPatiently, type Answer } from '../kit/http';
import type { PlainAmqp } from '../kit/plain-amqp';
import { publisherToken, tokenFor } from '../kit/tokens';
import type { Said } from './words';

/** A system under test, used in the same way as by its users. */
export interface System {
  url: string;
  amqp?: PlainAmqp;
  /** Sets a user's tenants and roles. */
  assign: (user: string, tenants: readonly { id: string; role?: string }[]) => void;
}

/** The HTTP intake's report about one message. */
export interface Receipt {
  id: string;
  outcome: 'stored' | 'folded' | 'dead';
  seq: number | null;
  reason?: string;
}

const PAGE = 200;
const PUBLISHER = publisherToken();

/** One tenant's interfaces for producers, people and readers. */
export class Door {
  private readonly tokens = new Map<string, string>();
  private cursor: string | null = null;

  constructor(
    readonly system: System,
    readonly tenant: string,
  ) {
    for (const name of ['ana', 'ben']) system.assign(this.user(name), [{ id: tenant, role: 'member' }]);
    system.assign(this.user('vic'), [{ id: tenant, role: 'viewer' }]);
    system.assign(this.user('eve'), [{ id: `${tenant}-other`, role: 'member' }]);
  }

  /** Each tenant has users of its own, because memberships are cached. */
  user = (name: string): string => `${name}.${this.tenant}`;

  /** Publishes directly into the queue, with the body alone. */
  publish = (said: Said, isReordered: boolean): Promise<void> =>
    this.system.amqp!.publish('random-history', this.body(said, isReordered));

  /** Publishes over HTTP, and waits for the outcome of each message. */
  async post(messages: readonly { said: Said; reordered?: true }[]): Promise<Answer & { receipts: Receipt[] }> {
    const bodies = messages.map(({ said, reordered }) => this.body(said, reordered === true));
    const body = bodies.length === 1 ? bodies[0]! : `[${bodies.join(',')}]`;
    const headers = { Authorization: `Bearer ${PUBLISHER}`, 'Content-Type': 'application/json', Prefer: 'wait=5' };
    let answer = await ask(this.system.url, '/api/v1/events', { method: 'POST', headers, body });
    // the waiting time was over first: it is safe to send the same again, and the response reports what is stored
    for (let tries = 0; answer.status === 202 && tries < 6; tries += 1)
      answer = await ask(this.system.url, '/api/v1/events', { method: 'POST', headers, body });
    return { ...answer, receipts: (answer.json.events ?? []) as Receipt[] };
  }

  act = (name: string, alertId: string | null, body: object, scope = 'alerts:read alerts:write'): Promise<Answer> =>
    ask(this.system.url, `/api/v1/alerts${alertId === null ? '' : `/${alertId}`}`, {
      method: 'PATCH',
      headers: { Authorization: this.bearer(name, scope), 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });

  /** The entries that were appended to the event log since the last call. */
  async newEntries(): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (;;) {
      const after: string = this.cursor === null ? '' : `&after=${encodeURIComponent(this.cursor)}`;
      const page = await this.get<EntryPage>(`/api/v1/events?tenant=${this.tenant}&limit=${PAGE}${after}`);
      entries.push(...page.events);
      this.cursor = page.next ?? page.cursor;
      if (page.next === null) return entries;
    }
  }

  /** The complete event log of this tenant. */
  async everyEntry(): Promise<Entry[]> {
    this.cursor = null;
    return this.newEntries();
  }

  async alerts(): Promise<Alert[]> {
    const { alerts, next } = await this.get<AlertPage>(`/api/v1/alerts?tenant=${this.tenant}&limit=${PAGE}`);
    if (next !== null) throw new Error(`more than ${PAGE} alerts in a history`);
    return alerts;
  }

  alert = (alertId: string): Promise<Alert> => this.get<Alert>(`/api/v1/alerts/${alertId}`);

  /** How many messages of this tenant are recorded as in conflict with their id. */
  async conflicts(): Promise<number> {
    const { items } = await this.get<{ items: unknown[] }>(
      `/api/v1/dead-letters?tenant=${this.tenant}&reason=id_conflict&limit=${PAGE}`,
    );
    return items.length;
  }

  private body(said: Said, isReordered: boolean): string {
    const body = { tenant_id: this.tenant, ...said };
    return JSON.stringify(isReordered ? reversed(body) : body);
  }

  private async get<T>(path: string): Promise<T> {
    const headers = { Authorization: this.bearer('ana', 'alerts:read alerts:write dead_letters:manage') };
    const { status, text } = await askPatiently(this.system.url, path, { headers });
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  private bearer(name: string, scope: string): string {
    const key = `${name} ${scope}`;
    const token = this.tokens.get(key) ?? tokenFor(this.user(name), { scope });
    this.tokens.set(key, token);
    return `Bearer ${token}`;
  }
}

export const unknownAlert = (): string => randomUUID();

/** The same value with the keys of each object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, part]) => [key, reversed(part)]),
  );
}
