import type { Channel } from '@tocsin/contracts/wire';
import { limitMs, sized, SIZE_NOTE } from './size';
import { NotifierKit } from './notifier-kit';

/** The steps of a delivery: after each of them the process can be gone. */
const POINTS = ['claim.before', 'claim.committed', 'send.before', 'send.accepted', 'record.before', 'record.committed'];
const KILLS = sized(102, POINTS.length);
const CHANNELS: Channel[] = ['email', 'webhook', 'sms'];
const ALERTS_A_KILL = 5;
/** A lease, and the waits before a repetition. */
const SETTLED_WITHIN_S = 120;

describe('a notifier that is killed', () => {
  let kit: NotifierKit;
  beforeAll(async () => {
    kit = await NotifierKit.open();
  }, 60_000);
  afterAll(() => kit?.close(), 60_000);

  it(
    `at every step (kill -9, ${KILLS} times): nothing is lost, and only what may be repeated is sent again${SIZE_NOTE}`,
    async () => {
      for (let kill = 0; kill < KILLS; kill += 1) {
        const point = POINTS[kill % POINTS.length]!;
        const nth = 1 + (Math.floor(kill / POINTS.length) % 3);
        await kit.plan(ALERTS_A_KILL, CHANNELS);
        const doomed = kit.launch(`${point}=crash@${nth}`);
        expect(await doomed.exit).toEqual({ code: null, signal: 'SIGKILL' });
        await doomed.kill(); // its end was intended
      }
      const last = await kit.start();
      const rows = await kit.settled(SETTLED_WITHIN_S * 1_000);
      await last.stop();

      expect(rows).toHaveLength(KILLS * ALERTS_A_KILL * CHANNELS.length);
      expect(kit.broken(rows)).toEqual([]);
      const unknown = rows.filter(({ status }) => status === 'unknown');
      const repeated = [...kit.sink.timesSeen()].filter(([, times]) => times > 1);
      // a channel has 20 attempts at a time: no kill can leave more in doubt
      expect(unknown.length).toBeLessThanOrEqual(KILLS * ALERTS_A_KILL);
      expect(repeated.length).toBeGreaterThan(0);
      process.stdout.write(
        `${KILLS} kills, ${rows.length} deliveries: lost 0, seen twice ${repeated.length}, SMS in doubt ${unknown.length}\n`,
      );
    },
    limitMs(KILLS * 4 + SETTLED_WITHIN_S),
  );
});
