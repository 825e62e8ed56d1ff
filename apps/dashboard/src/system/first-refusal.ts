import type { RefusedMessage } from '@tocsin/contracts/wire';
import { keyParts } from './as-curl';

const DAY_MS = 24 * 3_600_000;
/** For how long a first refusal is news, in milliseconds. */
const NEWS_MS = 3_600_000;

/** The first refused message of a service within a day, and how many it has by now. */
export interface FirstRefusal {
  service: string;
  letter: RefusedMessage;
  letters: number;
}

/**
 * The newest first refusal that is news at `now`; null: there is none, or it is not known. `newest` are the last
 * letters, the newest first. If they do not reach back a day before a letter (`isAll`: there are no older ones), an
 * earlier one of its service may exist, so nothing is said of it.
 */
export function firstRefusal(newest: readonly RefusedMessage[], isAll: boolean, now: number): FirstRefusal | null {
  const time = ({ buried_at }: RefusedMessage) => Date.parse(buried_at);
  const reachesTo = isAll || newest.length === 0 ? -Infinity : time(newest.at(-1)!);
  for (const [at, letter] of newest.entries()) {
    if (now - time(letter) > NEWS_MS) return null;
    const { service } = keyParts(letter.routing_key);
    const dayBefore = time(letter) - DAY_MS;
    if (service === null || dayBefore < reachesTo) continue;
    const ofService = newest.filter((one) => keyParts(one.routing_key).service === service);
    const hadOneBefore = newest.slice(at + 1).some((one) => ofService.includes(one) && time(one) >= dayBefore);
    if (!hadOneBefore) return { service, letter, letters: ofService.filter((one) => time(one) >= time(letter)).length };
  }
  return null;
}
