import { aTenant } from './an-alert';
import { describeAlertOver } from './delivery-queue/alert-over.contract';
import { describeClaiming } from './delivery-queue/claiming.contract';
import { again, queueSteps, TO_ANA, type OpenDeliveryQueue } from './delivery-queue/opened-queue';
import { describePlanning } from './delivery-queue/planning.contract';
import { describeSentOnce } from './delivery-queue/sent-once.contract';
import { describeSettling } from './delivery-queue/settling.contract';

export type { OpenDeliveryQueue, StandingDelivery } from './delivery-queue/opened-queue';

/**
 * What every `DeliveryQueue` does without a fault. `open` is called once, and its queue is emptied before each test.
 */
export function describeDeliveryQueue(name: string, { open }: { open(): Promise<OpenDeliveryQueue> }): void {
  describe(`${name} as the queue of deliveries`, () => {
    let queue: OpenDeliveryQueue | undefined;
    const steps = queueSteps(() => queue!);
    const { opened, tell, claim } = steps;
    beforeAll(async () => void (queue = await open()), 60_000);
    afterAll(() => queue?.close());
    beforeEach(() => opened().clear());

    describeClaiming(steps);
    describeSentOnce(steps);
    describeSettling(steps);
    describeAlertOver(steps);
    describePlanning(steps);

    it('tells what is due and what waits, by channel', async () => {
      const tenant = aTenant();
      const { entry } = await tell(tenant, [TO_ANA, { channel: 'sms', recipient: '+4912345678' }]);
      await tell(tenant);
      await opened().queue.settle([again((await claim({ atMost: 1 }))[0]!, 3_600_000)]);
      expect(await opened().queue.depth()).toEqual([
        { channel: 'email', due: 1, oldest_due_at: expect.any(String) as string, waiting: 1 },
        { channel: 'sms', due: 1, oldest_due_at: entry.received_at, waiting: 0 },
      ]);
      await claim({}, opened().queue, 'sms');
      expect((await opened().queue.depth())[1]).toEqual({ channel: 'sms', due: 0, oldest_due_at: null, waiting: 1 });
    });
  });
}
