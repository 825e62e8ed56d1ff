import { MAX_ERRORS, type InputError } from '@tocsin/contracts';
import type { AlertMessage } from '@tocsin/messages';
import type { Receipt } from '@tocsin/contracts/ports';
import type { Published } from './publish-events';

/** What became of a message that its publisher waited for. `seq` is null when it has no entry of its own. */
export interface SettledEvent {
  id: string;
  tenant_id: string;
  outcome: Receipt['outcome'];
  seq: number | null;
  /** Why it is dead. */
  reason?: string;
}

/** What of a webhook was not published: it does not fail the request, whose sender would send all of it again for ever. */
export interface LeftOver {
  /** Alerts that were refused, and are dead letters: the first 20. */
  refused?: InputError[];
  /** How many these are. */
  refused_count?: number;
  /** Alerts of severity none that the address drops. */
  dropped?: number;
}

/** PagerDuty's answer, for its own clients: they hold for failed whatever is answered without it. */
export interface EventProcessed {
  status: 'success';
  message: 'Event processed';
  dedup_key: string;
}

export type PublishedAnswer = LeftOver & ({ ids: string[] } | { events: SettledEvent[] }) & Partial<EventProcessed>;

export function answerOf(published: Published): PublishedAnswer {
  const { messages, receipts, shape, acknowledged } = published;
  const settled = receipts
    ? { events: messages.map((message, index) => settledEvent(message, receipts[index]!)) }
    : { ids: messages.map(({ id }) => id) };
  const about = acknowledged ?? messages[0];
  return { ...settled, ...leftOver(published), ...(shape === 'pagerduty' && about && eventProcessed(about)) };
}

export const eventProcessed = ({ dedup_key, id }: AlertMessage): EventProcessed => ({
  status: 'success',
  message: 'Event processed',
  dedup_key: dedup_key ?? id,
});

function leftOver({ refused, dropped }: Published): LeftOver {
  return {
    ...(refused.length > 0 && { refused: refused.slice(0, MAX_ERRORS), refused_count: refused.length }),
    ...(dropped > 0 && { dropped }),
  };
}

function settledEvent({ id, tenant_id }: AlertMessage, receipt: Receipt): SettledEvent {
  const { outcome } = receipt;
  if (outcome === 'stored') return { id, tenant_id, outcome, seq: receipt.position.seq };
  return outcome === 'folded'
    ? { id, tenant_id, outcome, seq: null }
    : { id, tenant_id, outcome, seq: null, reason: receipt.reason };
}
