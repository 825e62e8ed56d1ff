import type { CloseFrame, CloseReason, ConnectionFrame, HeartbeatFrame, ResetFrame } from '@tocsin/contracts';
import { CLOSE_REASONS, jsonLine } from '@tocsin/contracts';

const ID = /^[A-Za-z0-9._~:=;-]+$/;

/**
 * A client that lost its stream reconnects after 2 to 5 s. The jitter spreads the clients of one gateway over time. In
 * milliseconds.
 */
export const normalRetryMs = (): number => 2_000 + Math.random() * 3_000;

interface FrameData {
  connection: ConnectionFrame;
  heartbeat: HeartbeatFrame;
  reset: ResetFrame;
  close: CloseFrame;
}

/** A comment at the start of the response: it makes the browser fire `open` even when the tenants have no entries. */
export const OPENING = ': tocsin\n\n';

/**
 * One complete control frame. `id` is the stream's position and is never empty: an empty `id` would reset the client's
 * cursor. Without `id` the frame has no `id` line and the client keeps its cursor.
 */
export function controlFrame<E extends keyof FrameData>(
  event: E,
  data: FrameData[E],
  { id, retryMs }: { id?: string; retryMs?: number } = {},
): string {
  const lines = [
    retryMs === undefined ? '' : `retry: ${Math.round(retryMs)}\n`,
    `event: ${event}\n`,
    `data: ${jsonLine(data)}\n`,
    endOfFrame(id),
  ];
  return lines.join('');
}

export const closeFrame = (reason: CloseReason, retryMs: number, id?: string): string =>
  controlFrame('close', { reason, action: CLOSE_REASONS[reason], retry_ms: Math.round(retryMs) }, { id, retryMs });

/** The last lines of a frame: its id, when it has one, and the blank line. */
export function endOfFrame(id: string | undefined): string {
  if (id === undefined) return '\n';
  if (!ID.test(id)) throw new Error('a cursor holds a character that cannot stand in an id line');
  return `id: ${id}\n\n`;
}
