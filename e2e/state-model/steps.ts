import type { Act } from '@tocsin/contracts/wire';
import type { Said } from './words';

/** A message to send. `amqp`: directly into the queue, where a keyed message may have no clock. */
export interface Saying {
  said: Said;
  door: 'http' | 'amqp';
  /** The same body with its keys in another order. */
  reordered?: true;
}

/** Intended faults of a request, and the response that each must get. */
export const FAULTS = {
  unknown_alert: [404, 'not_found'],
  foreign_user: [404, 'not_found'],
  viewer: [403, 'role_forbidden'],
  no_scope: [403, 'insufficient_scope'],
  unknown_act: [422, 'invalid_field'],
  unknown_field: [422, 'unknown_field'],
  no_until: [422, 'invalid_field'],
  past_until: [422, 'invalid_field'],
  far_until: [422, 'invalid_field'],
  no_note: [422, 'invalid_field'],
  no_assignee: [422, 'invalid_field'],
} as const satisfies Record<string, readonly [number, string]>;
export type Fault = keyof typeof FAULTS;

/** An act in a history. It names alerts instead of using ids, so that a history can be reduced and run again. */
export interface Asking {
  user: 'ana' | 'ben';
  act: Act;
  /** The duration of the snooze, in milliseconds. */
  snoozeMs?: number;
  assignee?: 'me' | 'zoe' | null;
  from_assignee?: 'me' | 'zoe' | null;
  note?: string;
}

export type Step =
  /** Messages of one tenant, in one request; the ones over AMQP go before it. */
  | { do: 'say'; tenant: number; messages: Saying[] }
  | { do: 'act'; tenant: number; on: string[]; asking: Asking; isBulk: boolean }
  | { do: 'fail'; tenant: number; on: string; fault: Fault }
  /** Waits until every window of folded repeats and every snooze that ends by itself is over. */
  | { do: 'rest' };

/** The size of a step: each message counts. */
export const sizeOf = (step: Step): number => (step.do === 'say' ? step.messages.length : 1);

/** A step as one line, to read or to paste into a test. */
export const inOneLine = (step: Step): string => JSON.stringify(step);
