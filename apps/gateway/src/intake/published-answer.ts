import { MAX_ERRORS, type InputError } from '@tocsin/contracts';
import type { AlertMessage } from '@tocsin/messages';
import type { Receipt } from '@tocsin/contracts/ports';
import type { Published } from './publish-events';

/** The outcome of a message that its publisher waited for. `seq` is null when the message has no entry of its own. */
export interface SettledEvent {
  id: string;
  tenant_id: string;
  outcome: Receipt['outcome'];
  seq: number | null;
  /** The reason why the message is a dead letter. */
  reason?: string;
}

/**
 * The parts of a webhook that were not published. They do not fail the request: its sender would send everything again
 * for ever.
 */
export interface LeftOver {
  /** The first 20 alerts that were refused and became dead letters. */
  refused?: InputError[];
  /** How many alerts were refused. */
  refused_count?: number;
  /** The number of alerts of severity none that were dropped, as the request's address asks. */
  dropped?: number;
}

/** PagerDuty's response for its own clients, which treat any other response as a failure. */
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

/** Opsgenie's response to a request that is processed later, as it is here. */
export interface RequestAccepted {
  result: 'Request will be processed';
  /** The duration of the request, in seconds. */
  took: number;
  /** Identifies the alert. Clients use it to ask for the outcome. */
  requestId: string;
}

/** The outcome of a request. */
export interface RequestProcessed {
  data: { success: true; isSuccess: true; status: string; alertId: string; alias: string };
  took: number;
  requestId: string;
}
