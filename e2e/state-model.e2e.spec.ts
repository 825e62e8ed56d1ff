import { limitMs, sized, SIZE_NOTE } from './faults/size';
import { differenceOfOrders } from './state-model/orders';
import { SYSTEMS, type OpenSystem } from './state-model/systems';
import { Trials } from './state-model/trials';

/** `STATE_SEED` runs the same histories again; `STATE_STEPS=200000` is for a night. */
const SEED = Number(process.env.STATE_SEED ?? Date.now() % 2 ** 31);
const STEPS = Number(process.env.STATE_STEPS ?? sized(20_000, 1_000));
/**
 * The number of steps in one history. A longer one is seldom needed to show a difference, and takes longer to reduce.
 */
const SIZE = 200;
const ORDERS_SEED = Number(process.env.ORDERS_SEED ?? SEED);
const SETS = sized(100, 6);
/** How many of the message sets that are sent in every order run at the same time. */
const AT_ONCE = 3;

describe.each(SYSTEMS)('alerts on $name', ({ open }) => {
  let system: OpenSystem;
  beforeAll(async () => {
    system = await open();
  }, 120_000);
  afterAll(() => system?.close(), 60_000);

  it(
    `are what the documents say, after each of ${STEPS} random steps of producers, people and time (STATE_SEED=${SEED})${SIZE_NOTE}`,
    async () => {
      expect(await new Trials(system, 'history').differences(SEED, Math.ceil(STEPS / SIZE), SIZE)).toEqual([]);
    },
    limitMs(sized(900, 90)),
  );

  it(
    `end in one status, severity and description, in any order of storing the same messages: ${SETS} sets in every order (ORDERS_SEED=${ORDERS_SEED})${SIZE_NOTE}`,
    async () => {
      const wrong: string[] = [];
      const waiting = Array.from({ length: SETS }, (_, at) => ORDERS_SEED + at);
      const next = async () => {
        for (let seed = waiting.shift(); seed !== undefined && wrong.length < 3; seed = waiting.shift()) {
          const difference = await differenceOfOrders(system, `orders-${seed}`, seed);
          if (difference) wrong.push(difference);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, next));
      expect(wrong).toEqual([]);
    },
    limitMs(sized(180, 30)),
  );
});
