import type { AlertIntake, AlertSource, QueueDepths } from '../ports';
import type { QueueDepth } from '../wire';
import { anAlert } from './an-alert';
import { eventually } from './eventually';
import { ListenerByHand } from './listener-by-hand';

interface OpenQueue {
  depths: QueueDepths;
  intake: AlertIntake;
  source(): Promise<AlertSource>;
  close(): Promise<void>;
}

interface QueueDepthsUnderTest {
  /** A queue of its own, empty. */
  open(): Promise<OpenQueue>;
  /** Whether the engine counts messages that a processor has in hand. */
  includesInHand: boolean;
  /** Whether the engine knows when a message was put. */
  knowsAge: boolean;
  /** Whether its length has a bound, which is far from reached here. */
  isBounded: boolean;
}

/** How far the clock of the engine may differ, in milliseconds. */
const CLOCK_MS = 2_000;

/** What every `QueueDepths` says of a queue. */
export function describeQueueDepths(
  name: string,
  { open, includesInHand, knowsAge, isBounded }: QueueDepthsUnderTest,
): void {
  describe(`${name} as depths of the queue`, () => {
    let opened: OpenQueue;
    beforeEach(async () => (opened = await open()));
    afterEach(() => opened?.close());

    const of = (kind: QueueDepth['kind'], depths: readonly QueueDepth[]) => depths.filter((one) => one.kind === kind);
    const waiting = (kind: QueueDepth['kind'], depths: readonly QueueDepth[]) =>
      of(kind, depths).reduce((sum, { messages }) => sum + messages, 0);
    const becomes = (urgent: number, common: number) =>
      eventually(async () => {
        const depths = await opened.depths.read();
        expect([waiting('urgent', depths), waiting('common', depths)]).toEqual([urgent, common]);
        return depths;
      });

    it('count what waits, urgent messages apart, and know since when where the engine does', async () => {
      const empty = await opened.depths.read();
      expect(empty.map(({ messages }) => messages)).toEqual(empty.map(() => 0));
      expect(empty.map(({ oldest_at }) => oldest_at)).toEqual(empty.map(() => null));
      expect(new Set(empty.map(({ includes_in_hand }) => includes_in_hand))).toEqual(new Set([includesInHand]));
      expect(empty[0]!.kind).toBe('urgent');

      const before = Date.now();
      await opened.intake.publish([anAlert({ severity: 'urgent' })]);
      await opened.intake.publish([anAlert({ severity: 'low' }), anAlert({ severity: 'high' })]);
      const depths = await becomes(1, 2);
      expect(await opened.depths.isFull()).toBe(isBounded ? false : null);
      for (const { messages, oldest_at } of [...of('urgent', depths), ...of('common', depths)]) {
        if (messages === 0 || !knowsAge) expect(oldest_at).toBeNull();
        else expect(Math.abs(Date.parse(oldest_at!) - before)).toBeLessThan(CLOCK_MS);
      }
    });

    it('count what a processor has in hand where the engine does, and no longer what is settled', async () => {
      await opened.intake.publish([anAlert({ severity: 'low' }), anAlert({ severity: 'low' })]);
      await becomes(0, 2);
      const listeners: ListenerByHand[] = [];
      const source = await opened.source();
      await source.consume(() => {
        const listener = new ListenerByHand();
        listeners.push(listener);
        return listener;
      });
      const holding = () => listeners.find(({ deliveries }) => deliveries.length === 2)!;
      await eventually(() => expect(holding()).toBeDefined());
      await becomes(0, includesInHand ? 2 : 0);
      for (const delivery of holding().deliveries) holding().session.acknowledge(delivery);
      await becomes(0, 0);
    });
  });
}
