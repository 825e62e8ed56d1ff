// What a row was to reach, and whether it did.
import { stdout } from 'node:process';

/** Prints one target. `value` is what was measured in this run; a value that is not a number has not reached it. */
export function verdict(target, value, { atMost = Infinity, atLeast = -Infinity }, unit = '') {
  const reached = value <= atMost && value >= atLeast;
  const shown = Number.isInteger(value) ? value : value.toFixed(2);
  stdout.write(`${reached ? 'reached' : 'MISSED '}  ${target}: ${shown}${unit}\n`);
}
