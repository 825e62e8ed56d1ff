import type { Doorbell } from '../ports';
import { eventually } from './eventually';

interface OpenDoorbell {
  doorbell: Doorbell;
  close(): Promise<void>;
}

/** What every `Doorbell` does without a fault. Each adapter's own spec tests what it does while its server is away. */
export function describeDoorbell(name: string, { open }: { open(): Promise<OpenDoorbell> }): void {
  describe(`${name} as a doorbell`, () => {
    let opened: OpenDoorbell | undefined;
    let doorbell: Doorbell;
    beforeEach(async () => {
      opened = await open();
      doorbell = opened.doorbell;
    });
    afterEach(() => opened?.close());

    it('wakes everybody who listens, also the same listener twice', async () => {
      let [one, other] = [0, 0];
      const countOne = () => void (one += 1);
      await doorbell.onRing(countOne);
      await doorbell.onRing(countOne);
      await doorbell.onRing(() => void (other += 1));

      await doorbell.ring();

      await eventually(() => {
        expect(one).toBeGreaterThanOrEqual(2);
        expect(other).toBeGreaterThanOrEqual(1);
      });
    });

    it('wakes again for a ring that comes after a listener has heard one', async () => {
      let heard = 0;
      await doorbell.onRing(() => void (heard += 1));
      for (let round = 0; round < 3; round += 1) {
        const before = heard;
        await doorbell.ring();
        await eventually(() => expect(heard).toBeGreaterThan(before));
      }
    });

    it('does not wake a closed subscription, which may be closed twice', async () => {
      let [left, stayed] = [0, 0];
      const subscription = await doorbell.onRing(() => void (left += 1));
      await doorbell.onRing(() => void (stayed += 1));
      subscription.close();
      subscription.close();

      await doorbell.ring();

      await eventually(() => expect(stayed).toBeGreaterThan(0));
      expect(left).toBe(0);
    });

    it('may ring without a listener', async () => {
      await expect(doorbell.ring()).resolves.toBeUndefined();
    });
  });
}
