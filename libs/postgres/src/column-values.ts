import { types } from 'pg';

const INT8 = types.builtins.INT8;
const TIMESTAMPTZ = types.builtins.TIMESTAMPTZ;

/**
 * Rewrites `2026-01-02 03:04:05.6+00` as `2026-01-02T03:04:05.600Z`. The time zone of the session is UTC, so nothing is
 * computed.
 */
export function instantOf(text: string): string {
  if (!text.endsWith('+00') || text.length > 32) return new Date(text).toISOString();
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0').slice(0, 3)}Z`;
}

/**
 * How this pool reads columns: bigint as a number (numbers of an event log stay below 2^53), timestamptz as the ISO
 * text that is sent to clients, everything else as pg does. It is set for this pool only: `setTypeParser` of pg would
 * change it for all other users of pg in the process.
 */
export const columnValues = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary') {
      if (oid === INT8) return Number;
      if (oid === TIMESTAMPTZ) return instantOf;
    }
    return types.getTypeParser(oid, format as 'text');
  },
};
