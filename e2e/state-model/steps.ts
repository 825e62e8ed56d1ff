import type { Act } from '@tocsin/contracts/wire';
import type { Said } from './words';

/** A message on its way in. `amqp`: straight into the queue, where a keyed message may come without a clock. */
export interface Saying {
  said: Said;
  door: 'http' | 'amqp';
  /** The same body with its keys in another order. */
  reordered?: true;
}

/** What is wrong with a request on purpose, and which answer it has to get. */
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

/** An act as a history has it. Alerts go by their names, so that a history can be cut and lived again. */
export interface Asking {
  user: 'ana' | 'ben';
  act: Act;
  /** From now on. */
  snoozeMs?: number;
  assignee?: 'me' | 'zoe' | null;
  from_assignee?: 'me' | 'zoe' | null;
  note?: string;
}

export type Step =
  /** Of one tenant, in one request; those over AMQP go before it. */
  | { do: 'say'; tenant: number; messages: Saying[] }
  | { do: 'act'; tenant: number; on: string[]; asking: Asking; isBulk: boolean }
  | { do: 'fail'; tenant: number; on: string; fault: Fault }
  /** Until every window of folded repeats and every snooze that ends by itself is over. */
  | { do: 'rest' };

/** How many steps of a life one of them is: each message counts. */
export const sizeOf = (step: Step): number => (step.do === 'say' ? step.messages.length : 1);

/** A step as one line, for a person to read or to paste into a test. */
export const inOneLine = (step: Step): string => JSON.stringify(step);
