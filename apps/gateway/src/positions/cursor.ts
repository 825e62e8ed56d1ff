import type { GapReason, LogPosition, TenantId } from '@tocsin/contracts';
import { isTenantId } from '@tocsin/contracts';

/** The longest valid cursor: 32 tenants with ids of 64 characters, rounded up. */
const MAX_CURSOR_LENGTH = 4096;
const POSITION = /^([a-z0-9]{1,16})-(0|[1-9][0-9]{0,15})-([a-z0-9]{8}|0)$/;

/** The most tenants in a cursor: as many as a stream may follow. */
export const MAX_POSITIONS = 32;

/** A client's position in each of its tenants' event logs, in the order of the stream. */
export type Cursor = ReadonlyMap<TenantId, LogPosition>;

/**
 * A cursor that a client sent, parsed. `bare` is the position of a stream of one tenant: it does not name the tenant.
 */
export type SentCursor =
  { kind: 'none' } | { kind: 'malformed' } | { kind: 'positions'; bare: LogPosition | null; byTenant: Cursor };

/**
 * What a client's cursor says about one tenant: nothing (the tenant is new to the stream), a position, or something
 * unusable. `trusted` is another position that the client sent in a more trusted way; it is less far.
 */
export type SentPosition =
  | { kind: 'none' }
  | { kind: 'position'; position: LogPosition; trusted?: LogPosition }
  | { kind: 'unusable'; reason: GapReason };

/**
 * Finds each tenant's position in one or several cursors that the client sent, the most trusted first. A bare position
 * belongs to the tenant whose epoch it carries; this matters when a user of one tenant has become a user of several.
 * `tenants` holds the stream's tenants with their epochs.
 *
 * Of several positions in one history the furthest counts, since all were sent to the client. Positions in different
 * histories cannot be compared, so the most trusted one counts.
 */
export function assignPositions(
  sent: SentCursor | readonly SentCursor[],
  tenants: ReadonlyMap<TenantId, string>,
): Map<TenantId, SentPosition> {
  const all = (position: SentPosition) => new Map([...tenants.keys()].map((tenant) => [tenant, position]));
  const cursors = 'kind' in sent ? [sent] : sent;
  const named = cursors
    .filter((cursor) => cursor.kind === 'positions')
    .map((cursor) => namedPositions(cursor, tenants));
  if (named.length === 0)
    return all(
      cursors.some(({ kind }) => kind === 'malformed')
        ? { kind: 'unusable', reason: 'malformed_cursor' }
        : { kind: 'none' },
    );
  if (![...tenants.keys()].some((tenant) => named.some((positions) => positions.has(tenant))))
    return all({ kind: 'unusable', reason: 'foreign_cursor' });
  return new Map(
    [...tenants.keys()].map((tenant): [TenantId, SentPosition] => {
      const [trusted, ...others] = named.flatMap((positions) => positions.get(tenant) ?? []);
      if (!trusted) return [tenant, { kind: 'none' }];
      const position = others.reduce(
        (furthest, other) => (other.epoch === furthest.epoch && other.seq > furthest.seq ? other : furthest),
        trusted,
      );
      return [tenant, position === trusted ? { kind: 'position', position } : { kind: 'position', position, trusted }];
    }),
  );
}

/** A cursor's positions by tenant, including the bare one when it belongs to one of these tenants. */
function namedPositions(
  { bare, byTenant }: Extract<SentCursor, { kind: 'positions' }>,
  tenants: ReadonlyMap<TenantId, string>,
): Cursor {
  const owner =
    bare && (tenants.size === 1 ? [...tenants.keys()][0] : [...tenants].find(([, epoch]) => epoch === bare.epoch)?.[0]);
  return owner ? new Map([...byTenant, [owner, bare]]) : byTenant;
}

/**
 * The sent positions of tenants that the stream does not follow. The stream does not use them but keeps them, so that a
 * tenant that comes back is told what it missed.
 */
export function foreignPositions(sent: readonly SentCursor[], tenants: ReadonlySet<TenantId>): Cursor {
  const foreign = new Map<TenantId, LogPosition>();
  for (const cursor of sent) {
    if (cursor.kind !== 'positions') continue;
    for (const [tenant, position] of cursor.byTenant) {
      const known = foreign.get(tenant);
      const isFurther = known?.epoch === position.epoch && position.seq > known.seq;
      if (!tenants.has(tenant) && (!known || isFurther)) foreign.set(tenant, position);
    }
  }
  return foreign;
}

export const formatPosition = ({ epoch, seq, fp }: LogPosition): string => `${epoch}-${seq}-${fp}`;

/**
 * The SSE `id`: `<epoch>-<seq>-<fp>` for a stream of one tenant, `<tenant>=<position>` joined by `;` for several.
 * Only `A-Z a-z 0-9 . _ ~ : = ; -`, so that it travels in headers, queries and lines without escaping.
 */
export function formatCursor(cursor: Cursor | readonly [TenantId, LogPosition][]): string {
  const positions = [...cursor];
  if (positions.length === 1) return formatPosition(positions[0]![1]);
  return positions.map(([tenant, position]) => `${tenant}=${formatPosition(position)}`).join(';');
}

/**
 * Parses a client's cursor. Never throws: a malformed cursor counts as a gap and not as an error, since a 4xx ends an
 * EventSource.
 */
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
  const fp = match[3]!;
  // Only the position before the first entry has no fp. That position with an fp, or another one without, belongs to no
  // event log.
  if (!Number.isSafeInteger(seq) || (seq === 0) !== (fp === '0')) return undefined;
  return { epoch: match[1]!, seq, fp };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? ['', text] : [text.slice(0, at), text.slice(at + 1)];
}
