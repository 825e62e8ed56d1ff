import { QueueFull, Unavailable } from '../errors';
import type { AlertIntake, RawIntake } from '../ports';
import { anAlert } from './an-alert';

interface FullQueue {
  intake: AlertIntake;
  /** Puts into the same queue. */
  raw: RawIntake;
  /** Takes all messages out, and gives their ids. */
  drain(): Promise<string[]>;
  close(): Promise<void>;
}

interface AlertIntakeUnderTest {
  /** A queue of its own, empty, which holds at most `messages`. */
  open(messages: number): Promise<FullQueue>;
  /** Intakes whose engine cannot be reached. */
  away(): Promise<Pick<FullQueue, 'intake' | 'raw' | 'close'>>;
}

const MESSAGES = 3;

/** What every `AlertIntake` and `RawIntake` says when it takes nothing, so that producers are told the same. */
export function describeAlertIntake(name: string, { open, away }: AlertIntakeUnderTest): void {
  describe(`${name} as an entrance that takes nothing`, () => {
    let close = (): Promise<void> => Promise.resolve();
    afterEach(() => close());

    const low = () => anAlert({ severity: 'low' });
    const again = { body: Buffer.from('{}'), routing_key: 'alert.low.inventory', message_id: 'm', timestamp: 1 };
    /** What all of these calls were refused with. */
    const refusalsOf = async (calls: Promise<unknown>[]) =>
      (await Promise.allSettled(calls)).map((one): unknown => (one.status === 'rejected' ? one.reason : one.value));
    const ofQueue = { role: 'queue', technology: expect.any(String) as string };

    it('is full: refuses all as QueueFull, stores none of it, and takes messages again when there is room', async () => {
      const { intake, raw, drain, ...opened } = await open(MESSAGES);
      close = () => opened.close();
      const stored: string[] = [];
      for (let count = 0; count < MESSAGES; count += 1) {
        const [outcome] = await intake.publish([low()]);
        expect(outcome!.outcome).toBe('confirmed');
        stored.push(outcome!.id);
      }
      const calls = [intake.publish([low()]), intake.publish([low(), low()]), raw.republish([again])];
      for (const refusal of await refusalsOf(calls)) {
        expect(refusal).toBeInstanceOf(QueueFull);
        expect(refusal).toMatchObject(ofQueue);
      }
      expect((await drain()).sort()).toEqual(stored.sort());
      const one = low();
      expect(await intake.publish([one])).toEqual([{ id: one.id, outcome: 'confirmed' }]);
    });

    it('is away: refuses all as Unavailable, and does not say that the queue is full', async () => {
      const { intake, raw, ...opened } = await away();
      close = () => opened.close();
      for (const refusal of await refusalsOf([intake.publish([low()]), raw.republish([again])])) {
        expect(refusal).toBeInstanceOf(Unavailable);
        expect(refusal).not.toBeInstanceOf(QueueFull);
        expect(refusal).toMatchObject(ofQueue);
      }
    });
  });
}
