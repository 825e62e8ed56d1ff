// What took the processors' CPU time, from the profiles that V8 writes when a process ends (`--profile`).
import { existsSync, readFileSync } from 'node:fs';
import { hrtime } from 'node:process';
import { fileURLToPath } from 'node:url';

/** The clock of V8's profiles: microseconds, the same in every process of a machine. */
export const profileClock = () => Number(hrtime.bigint() / 1_000n);

/** The arguments of Node that make it write `name` into `folder` at its end. */
export const profileArgs = (folder, name) => ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}`];

/** How many places are printed. Each of the others takes a hundredth of the time or less. */
const PLACES = 14;
const NOT_BUSY = new Set(['(idle)', '(root)']);

/**
 * The places that took the time, the largest first: packages, rooms of this repository, and what V8 does itself.
 * `profiles`: `{ file, since }`; what came before `since` is the start of the process, and is not counted. A process
 * that was killed has no profile.
 */
export function timeByPlace(profiles) {
  const micros = new Map();
  let all = 0;
  for (const { file, since } of profiles.filter((one) => existsSync(one.file))) {
    const { nodes, samples, timeDeltas, startTime } = JSON.parse(readFileSync(file, 'utf8'));
    const placeOf = new Map(nodes.map(({ id, callFrame }) => [id, placeOfFrame(callFrame)]));
    let at = startTime;
    samples.forEach((node, index) => {
      at += timeDeltas[index];
      const place = placeOf.get(node);
      if (at < since || NOT_BUSY.has(place)) return;
      // the time until the next sample belongs to this one
      const took = Math.max(0, timeDeltas[index + 1] ?? 0);
      micros.set(place, (micros.get(place) ?? 0) + took);
      all += took;
    });
  }
  const shares = [...micros].map(([place, took]) => ({ place, share: took / all })).sort((a, b) => b.share - a.share);
  return shares.slice(0, PLACES);
}

function placeOfFrame({ functionName, url, lineNumber }) {
  if (url === '') return functionName || '(program)';
  if (url.startsWith('node:')) return url.startsWith('node:internal/') ? 'node:internal' : url;
  if (url.endsWith('/packages.cjs')) return packageAt(url, lineNumber);
  return packageOf(url) ?? /((?:apps|libs)\/[^/]+)\/src\//.exec(url)?.[1] ?? '(other)';
}

const packageOf = (path) => /.*\/?node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];

/** The packages of a build are one file, in which a comment stands before each module. */
const bundles = new Map();
function packageAt(url, lineNumber) {
  if (!bundles.has(url)) {
    const lines = readFileSync(fileURLToPath(url), 'utf8').split('\n');
    bundles.set(
      url,
      lines.flatMap((text, line) => (text.startsWith('// node_modules/') ? [{ line, name: packageOf(text) }] : [])),
    );
  }
  return bundles.get(url).findLast(({ line }) => line <= lineNumber)?.name ?? '(packages)';
}

export function printProfile(contender, profiles, say) {
  const places = timeByPlace(profiles);
  if (places.length === 0) return;
  say(
    `  ${contender}, busy time of the processor: ${places.map(({ place, share }) => `${place} ${Math.round(share * 100)} %`).join(', ')}`,
  );
}
