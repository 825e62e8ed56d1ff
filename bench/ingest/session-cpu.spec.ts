import { spawnSync } from 'node:child_process';

/** What `end` gives for sessions that change as `steps` says, one look each. Node alone can load the module. */
function usedThrough(steps: Record<number, number>[]): number {
  const script = `
    import { watchSessions } from './session-cpu.mjs';
    const steps = ${JSON.stringify(steps)};
    let looks = 0;
    let present;
    let allSeen;
    const seen = new Promise((resolve) => (allSeen = resolve));
    const pidsOf = async () => {
      present = steps[Math.min(looks++, steps.length - 1)];
      if (looks === steps.length) allSeen();
      return Object.keys(present);
    };
    const cpuOf = (pid) => {
      if (present[pid] < 0) throw new Error('it has ended');
      return present[pid];
    };
    const { end } = await watchSessions(pidsOf, { cpuOf, everyMs: 1 });
    await seen;
    console.log(await end());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: __dirname,
    encoding: 'utf8',
  });
  if (stderr) throw new Error(stderr);
  return Number(stdout);
}

test.each([
  ['that is there all the time', [{ 1: 100 }, { 1: 150 }, { 1: 170 }], 70],
  ['that comes meanwhile', [{}, { 2: 30 }, { 2: 40 }], 40],
  ['that ends, up to the last look at it', [{ 1: 100, 3: 500 }, { 1: 110, 3: 560 }, { 1: 120 }], 80],
  ['that ends between the list and its reading', [{ 3: 500 }, { 3: 560 }, { 3: -1 }], 60],
  ['that comes and ends', [{}, { 2: 30 }, {}], 30],
])('a session %s counts for what it used meanwhile', (_what, steps, used) => {
  expect(usedThrough(steps as Record<number, number>[])).toBe(used);
});
