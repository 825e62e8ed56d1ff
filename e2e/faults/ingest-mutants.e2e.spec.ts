import { Stack } from '../kit/stack';
import { BuiltCopy } from './built-copy';
import { IngestArena } from './ingest-mutant-scenarios';
import { INGEST_MUTANTS, INGEST_SCENARIOS, type IngestMutant } from './ingest-mutants';
import { limitMs, PART_NOTE, todaysPart } from './size';

const TRIED = todaysPart(INGEST_MUTANTS);

describe(`the ledger of what is stored${PART_NOTE}`, () => {
  let stack: Stack;
  let whole: BuiltCopy;

  beforeAll(async () => {
    whole = new BuiltCopy();
    stack = await Stack.open();
    // the queues exist, and no consumer takes messages from them
    await stack.processors[0]!.stop();
  }, 60_000);
  afterAll(async () => {
    await stack?.close();
    whole?.remove();
  }, 60_000);

  async function run(build: BuiltCopy, scenario: IngestMutant['scenario']): Promise<string[]> {
    const arena = new IngestArena(stack, build, whole);
    try {
      return await INGEST_SCENARIOS[scenario](arena);
    } finally {
      await arena.close();
    }
  }

  it.each([...new Set(TRIED.map(({ scenario }) => scenario))])(
    'has nothing to say of a processor that is whole: %s',
    async (scenario) => {
      expect(await run(whole, scenario)).toEqual([]);
    },
    limitMs(10),
  );

  it.each(TRIED)(
    'catches $name, as $caughtAs',
    async ({ patches, scenario, caughtAs }) => {
      const broken = new BuiltCopy(patches);
      const changesFunctions = patches.some(({ file }) => file.endsWith('.sql'));
      try {
        if (changesFunctions) await new IngestArena(stack, broken, whole).migrate();
        const names = (await run(broken, scenario)).map((line) => line.split(':')[0]);
        expect(names).toContain(caughtAs);
      } finally {
        if (changesFunctions) await new IngestArena(stack, whole, whole).migrate();
        broken.remove();
      }
    },
    limitMs(15),
  );

  it('has a scenario for each mutation, and a mutation for each scenario', () => {
    expect(new Set(INGEST_MUTANTS.map(({ scenario }) => scenario))).toEqual(new Set(Object.keys(INGEST_SCENARIOS)));
  });
});
