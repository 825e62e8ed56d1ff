import { limitMs, PART_NOTE, todaysPart } from './faults/size';
import type { Stack } from './kit/stack';
import { broken, STATE_MUTANTS } from './state-model/mutants';
import { openDistributed } from './state-model/systems';
import { Trials } from './state-model/trials';

const SEED = Number(process.env.STATE_SEED ?? Date.now() % 2 ** 31);
/** How many histories are run at most until one shows a difference. */
const HISTORIES = 40;
const SIZE = 200;

describe('the model of the documents', () => {
  let system: Awaited<ReturnType<typeof openDistributed>>;
  let stack: Stack;
  beforeAll(async () => {
    system = await openDistributed();
    ({ stack } = system);
  }, 120_000);
  afterAll(() => system?.close(), 60_000);

  it.each(todaysPart(STATE_MUTANTS))(
    `finds $name (STATE_SEED=${SEED})${PART_NOTE}`,
    async (mutant) => {
      const mend = await broken(stack, mutant);
      try {
        const trials = new Trials(system, `mutant-${STATE_MUTANTS.indexOf(mutant)}`, { isCut: false });
        expect(await trials.differences(SEED, HISTORIES, SIZE, 1)).not.toEqual([]);
      } finally {
        await mend();
      }
    },
    limitMs(90),
  );
});
