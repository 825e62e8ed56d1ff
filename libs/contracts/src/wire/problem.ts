import type { Alert } from './alerts';

/** An error's body: RFC 9457 problem+json. `code` is stable, from the closed list in `errors.ts`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  instance?: string;
  /** What is wrong and where, as JSON pointers into the body or names of parameters: the first 20. */
  errors?: { pointer?: string; parameter?: string; code: string; detail: string }[];
  /** How many more errors were found beyond the first 20. */
  more_errors?: number;
  /** With `alert_conflict`: the alert as it is now. */
  alert?: Alert;
  /**
   * With `publish_failed`: the ids of the messages that the queue has confirmed. It is safe to send all of them again.
   */
  confirmed?: string[];
}
