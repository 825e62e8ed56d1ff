import type { GapReason, LogPosition, TenantId } from '@tocsin/contracts';
import { isTenantId } from '@tocsin/contracts';

/** The longest cursor that one of ours can be: 32 tenants with ids of 64 characters, rounded up. */
const MAX_CURSOR_LENGTH = 4096;
const POSITION = /^([a-z0-9]{1,16})-(0|[1-9][0-9]{0,15})-([a-z0-9]{8}|0)$/;

/** A client's position in each of its tenants' logs, in the order of the stream. */
export type Cursor = ReadonlyMap<TenantId, LogPosition>;

/** What a client sent as its cursor. `bare` is the position of a stream of one tenant: it does not say of which. */
export type SentCursor =
  | { kind: 'none' }
  | { kind: 'malformed' }
  | { kind: 'positions'; bare: LogPosition | null; byTenant: Cursor };

/** What a client's cursor says of one tenant: nothing (it is new to the stream), a position, or nothing that can be used. */
export type SentPosition = { kind: 'none' } | { kind: 'position'; position: LogPosition } | { kind: 'unusable'; reason: GapReason };

/**
 * Finds each tenant's part in a cursor. A bare position belongs to the tenant whose epoch it carries, which matters when
 * a user of one tenant has become one of several. `tenants` holds the stream's tenants with their epochs.
 */
export function assignPositions(cursor: SentCursor, tenants: ReadonlyMap<TenantId, string>): Map<TenantId, SentPosition> {
  const all = (sent: SentPosition) => new Map([...tenants.keys()].map((tenant) => [tenant, sent]));
  if (cursor.kind === 'none') return all({ kind: 'none' });
  if (cursor.kind === 'malformed') return all({ kind: 'unusable', reason: 'malformed_cursor' });
  const positions = new Map(cursor.byTenant);
  if (cursor.bare) {
    const owner = tenants.size === 1 ? [...tenants.keys()][0] : [...tenants].find(([, epoch]) => epoch === cursor.bare!.epoch)?.[0];
    if (owner) positions.set(owner, cursor.bare);
  }
  if (![...tenants.keys()].some((tenant) => positions.has(tenant))) return all({ kind: 'unusable', reason: 'foreign_cursor' });
  return new Map(
    [...tenants.keys()].map((tenant) => {
      const position = positions.get(tenant);
      return [tenant, position ? { kind: 'position', position } : { kind: 'none' }];
    }),
  );
}

export const formatPosition = ({ epoch, seq, fp }: LogPosition): string => `${epoch}-${seq}-${fp}`;

/**
 * The SSE `id`: `<epoch>-<seq>-<fp>` for a stream of one tenant, `<tenant>=<position>` joined by `;` for several.
 * Only `A-Z a-z 0-9 . _ ~ : = ; -`, so that it travels in headers, queries and lines without escaping.
 */
export function formatCursor(cursor: Cursor): string {
  const positions = [...cursor];
  if (positions.length === 1) return formatPosition(positions[0]![1]);
  return positions.map(([tenant, position]) => `${tenant}=${formatPosition(position)}`).join(';');
}

/** Reads what a client sent. Never throws: a cursor that is none of ours is a gap, not an error, since a 4xx ends an EventSource. */
export function parseCursor(text: string | undefined): SentCursor {
  if (!text) return { kind: 'none' };
  if (text.length > MAX_CURSOR_LENGTH) return { kind: 'malformed' };
  const bare = parsePosition(text);
  if (bare) return { kind: 'positions', bare, byTenant: new Map() };
  const byTenant = new Map<TenantId, LogPosition>();
  for (const component of text.split(';')) {
    const [tenant, position] = splitOnce(component, '=');
    const parsed = parsePosition(position);
    if (!isTenantId(tenant) || !parsed) return { kind: 'malformed' };
    byTenant.set(tenant, parsed);
  }
  return { kind: 'positions', bare: null, byTenant };
}

function parsePosition(text: string): LogPosition | undefined {
  const match = POSITION.exec(text);
  if (!match) return undefined;
  const seq = Number(match[2]);
  return Number.isSafeInteger(seq) ? { epoch: match[1]!, seq, fp: match[3]! } : undefined;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? ['', text] : [text.slice(0, at), text.slice(at + 1)];
}
