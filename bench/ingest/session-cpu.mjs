// The CPU time of PostgreSQL's sessions while they are watched.
import { cpuMicroseconds } from '../stream/processes.mjs';

/** A pool closes a session only when it was idle for longer than this, so the last look has seen all that it used. */
const LOOK_MS = 1_000;

/**
 * Watches sessions until `end`, which resolves to what they have used meanwhile, in microseconds: those that were there
 * all the time, that came and that ended. `pidsOf` lists those that are there, and `cpuOf` says what one has used since
 * it began; it throws when the session has just ended. `stop` ends the watch without a last look.
 */
export async function watchSessions(pidsOf, { cpuOf = cpuMicroseconds, everyMs = LOOK_MS } = {}) {
  const look = async () => {
    const used = new Map();
    for (const pid of await pidsOf()) {
      try {
        used.set(pid, cpuOf(pid));
      } catch {
        // it has ended since it was listed: what the look before saw counts
      }
    }
    return used;
  };
  const before = await look();
  const seen = new Map(before);
  const note = (used) => used.forEach((us, pid) => seen.set(pid, us));
  // the last look fails loudly where one in between failed
  const looks = setInterval(() => void look().then(note, () => undefined), everyMs);
  const stop = () => clearInterval(looks);
  const end = async () => {
    stop();
    note(await look());
    return [...seen].reduce((sum, [pid, us]) => sum + us - (before.get(pid) ?? 0), 0);
  };
  return { end, stop };
}
