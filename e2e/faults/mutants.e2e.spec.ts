import { Stack } from '../kit/stack';
import { BuiltCopy } from './built-copy';
import { Arena } from './mutant-scenarios';
import { MUTANTS, SCENARIOS, type Mutant } from './mutants';
import { limitMs, PART_NOTE, todaysPart } from './size';

const TRIED = todaysPart(MUTANTS);

describe(`the ledger${PART_NOTE}`, () => {
  let stack: Stack;
  let whole: BuiltCopy;

  beforeAll(async () => {
    whole = new BuiltCopy();
    stack = await Stack.open({ gateways: 0 });
  }, 60_000);
  afterAll(async () => {
    await stack?.close();
    whole?.remove();
  }, 60_000);

  async function run(build: BuiltCopy, scenario: Mutant['scenario']): Promise<string[]> {
    const arena = new Arena(stack, build, whole);
    try {
      return await SCENARIOS[scenario](arena);
    } finally {
      await arena.close();
    }
  }

  it.each([...new Set(TRIED.map(({ scenario }) => scenario))])(
    'has nothing to say of a gateway that is whole: %s',
    async (scenario) => {
      expect(await run(whole, scenario)).toEqual([]);
    },
    limitMs(20),
  );

  it.each(TRIED)(
    'catches $name, as $caughtAs',
    async ({ patches, scenario, caughtAs }) => {
      const broken = new BuiltCopy(patches);
      try {
        const names = (await run(broken, scenario)).map((line) => line.split(':')[0]);
        expect(names).toContain(caughtAs);
      } finally {
        broken.remove();
      }
    },
    limitMs(20),
  );

  it('has a scenario for each mutation, and a mutation for each scenario', () => {
    expect(new Set(MUTANTS.map(({ scenario }) => scenario))).toEqual(new Set(Object.keys(SCENARIOS)));
  });
});
