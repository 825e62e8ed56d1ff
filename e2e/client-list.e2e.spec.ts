import { History, inWords } from './client-list/history';
import { MUTANTS } from './client-list/mutants';
import { ClientCopy } from './faults/client-copy';
import { limitMs, sized, SIZE_NOTE, WHOLE } from './faults/size';
import { Stack } from './kit/stack';

/** `LISTS_SEED` makes the same decisions again; `LISTS_HISTORIES=500` is for a night. */
const SEED = Number(process.env.LISTS_SEED ?? Date.now() % 2 ** 31);
const HISTORIES = Number(process.env.LISTS_HISTORIES ?? sized(60, 4));
const STEPS = sized(120, 60);
/** How many histories run at the same time, each in a tenant of its own. */
const AT_ONCE = 4;

describe('the lists of two clients', () => {
  let stack: Stack;
  let whole: ClientCopy;
  let tenants = 0;
  beforeAll(async () => {
    whole = new ClientCopy();
    stack = await Stack.open({ gateways: 2, processorEnvironment: { FOLD_WINDOW: '1' } });
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    whole?.remove();
  }, 60_000);

  /** The differences in this many histories, in words. `enough`: how many wrong lists end the run. */
  async function wrongLists(client: ClientCopy, histories: number, enough = Infinity): Promise<string[]> {
    const wrong: string[] = [];
    const waiting = Array.from({ length: histories }, (_, at) => SEED + at);
    const live = async () => {
      for (let seed = waiting.shift(); seed !== undefined && wrong.length < enough; seed = waiting.shift()) {
        const history = new History(stack, client.core, seed, `tenant-${(tenants += 1)}`);
        const differences = await history.run(STEPS).catch((error: unknown) => {
          throw new Error(`LISTS_SEED=${seed}: ${(error as Error).message}\n${history.steps.join('\n')}`, {
            cause: error,
          });
        });
        for (const difference of differences)
          wrong.push(`LISTS_SEED=${seed} ${inWords(difference)}\n${history.steps.join('\n')}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, live));
    return wrong;
  }

  it(
    `are the server's, field by field, once ${HISTORIES} random histories of messages, acts and broken networks have come to rest (LISTS_SEED=${SEED})${SIZE_NOTE}`,
    async () => {
      expect(await wrongLists(whole, HISTORIES)).toEqual([]);
    },
    limitMs(sized(300, 10)),
  );

  // in an everyday run it is enough that the client can still be broken in this way
  it.each(MUTANTS)(
    WHOLE ? 'are found wrong of a client with $name' : `can be tried with a client with $name${SIZE_NOTE}`,
    async ({ patches }) => {
      const broken = new ClientCopy(patches);
      try {
        if (WHOLE) expect(await wrongLists(broken, HISTORIES, 1)).not.toEqual([]);
      } finally {
        broken.remove();
      }
    },
    limitMs(60),
  );
});
