import {
  CLOSE_ACTIONS,
  CLOSE_REASONS,
  GAP_REASONS,
  VERDICTS,
  type CloseFrame,
  type ConnectionFrame,
  type HeartbeatFrame,
  type ResetFrame,
  type TenantVerdict,
} from '@tocsin/contracts';
import {
  count,
  integer,
  list,
  nullable,
  object,
  oneOf,
  ref,
  text,
  time,
  type Schema,
} from '../description/json-schema';
import { tenantId } from '../description/wire-fields';

/** The schemas of the `data` of a stream's frames, other than entries. */
export const FRAME_SCHEMAS = {
  ConnectionFrame: object<ConnectionFrame>(
    {
      verdict: oneOf(VERDICTS, "The worst of the tenants' verdicts. gap: entries were or may have been missed."),
      tenants: list(ref('TenantVerdict')),
      heartbeat_ms: integer('How often a heartbeat comes.', { minimum: 1 }),
      server_time: time(),
    },
    { description: 'The first frame: where the stream begins.' },
  ),
  TenantVerdict: object<TenantVerdict>({
    tenant_id: tenantId,
    name: text(),
    verdict: oneOf(VERDICTS),
    missed: nullable(count('How many entries were missed for good; null when that cannot be known.')),
    reason: nullable(oneOf(GAP_REASONS)),
    behind: count(
      'How many entries are replayed before the stream is live; from a cursor or a time, those that its filter ' +
        'leaves out included.',
    ),
    searched: nullable(
      count(
        'With ?since=N, when fewer than N were found that pass the filter and there are older ones that may: how ' +
          'many of the newest entries were searched.',
      ),
    ),
  }),
  HeartbeatFrame: object<HeartbeatFrame>({
    server_time: time(),
    checked_at: time(
      'When the stream was last known to be current: older than 10 s is stale. Since then the log could not be read, ' +
        'or the client has read less than was published. What `behind` counts at a connection may still be on its way.',
    ),
  }),
  ResetFrame: object<ResetFrame>(
    {
      tenant_id: tenantId,
      reason: oneOf(GAP_REASONS),
      snapshot: text('Where to load the present state from.', { format: 'uri-reference' }),
    },
    { description: "A tenant's history was replaced, or too much of it was missed." },
  ),
  CloseFrame: object<CloseFrame>(
    {
      reason: oneOf(Object.keys(CLOSE_REASONS)),
      action: oneOf(CLOSE_ACTIONS, 'What to do about it.'),
      retry_ms: count('How long to wait before coming back.'),
    },
    { description: 'The last frame: why the stream ends.' },
  ),
} satisfies Record<string, Schema>;
