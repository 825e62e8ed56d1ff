import { BrokerError } from './broker-error';

/** The longest time that a timer of Node can wait, in milliseconds: 24 days. A longer one ends after 1 ms. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Throws `invalid_configuration`, which names the option, when no timer can wait for so long. */
export function checkTimer(name: string, ms: number): void {
  if (!Number.isFinite(ms) || ms < 1 || ms > LONGEST_TIMER_MS)
    throw new BrokerError('invalid_configuration', `${name} is from 1 to ${LONGEST_TIMER_MS} milliseconds.`);
}
