import type { Entry, Severity } from '@tocsin/contracts/wire';
import { styleText } from 'node:util';
import { printable } from './terminal';

const COLOURS: Record<Severity, 'red' | 'yellow' | 'cyan' | 'gray'> = {
  urgent: 'red',
  high: 'yellow',
  medium: 'cyan',
  low: 'gray',
};
/** The length of the longest severity or status. */
const WIDTH = 'acknowledged'.length;

/** A word in the colour of a severity, where the terminal has colours. */
export const coloured = (severity: Severity, word: string, colours: boolean): string =>
  colours ? styleText(COLOURS[severity], word) : word;

/** An alert or entry in one line: when, how severe or what became of it, whose, which service, and what. */
export function entryLine(
  entry: Pick<Entry, 'status' | 'severity' | 'tenant_id' | 'service' | 'title' | 'last_seen_at' | 'actor'> & {
    received_at?: string;
  },
  colours: boolean,
): string {
  const { status, severity, tenant_id, service, title, actor } = entry;
  const word = (status === 'firing' ? severity : status).padEnd(WIDTH);
  return [
    entry.received_at ?? entry.last_seen_at,
    coloured(status === 'resolved' ? 'low' : severity, word, colours),
    tenant_id,
    printable(service),
    printable(title),
    ...(actor === null ? [] : [`(${printable(actor)})`]),
  ].join('  ');
}
