import type { Channel } from '@tocsin/contracts/wire';
import { limitMs, sized, SIZE_NOTE } from './size';
import { NotifierKit } from './notifier-kit';

/** The steps of a delivery: after each of them the process can be gone. */
const POINTS = [
  'claim.before',
  'claim.committed',
  'begin.before',
  'begin.committed',
  'send.before',
  'send.accepted',
  'record.before',
  'record.committed',
];
const KILLS = sized(104, POINTS.length);
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
    `at every step (kill -9, ${KILLS} times): nothing is lost, only what may be repeated is sent again, and only an SMS that was begun is in doubt${SIZE_NOTE}`,
    async () => {
      const begun = new Set<string>();
      for (let kill = 0; kill < KILLS; kill += 1) {
        const point = POINTS[kill % POINTS.length]!;
        // what is planned is begun in one call: a second would come only when the leases of the kill before have ended
        const nth = point.startsWith('begin') ? 1 : 1 + (Math.floor(kill / POINTS.length) % 3);
        await kit.plan(ALERTS_A_KILL, CHANNELS);
        const doomed = kit.launch(`${point}=crash@${nth}`);
        expect(await doomed.exit).toEqual({ code: null, signal: 'SIGKILL' });
        await doomed.kill(); // its end was intended
        for (const id of await kit.underWay('sms')) begun.add(id);
      }
      const last = await kit.start();
      const rows = await kit.settled(SETTLED_WITHIN_S * 1_000);
      await last.stop();

      expect(rows).toHaveLength(KILLS * ALERTS_A_KILL * CHANNELS.length);
      expect(kit.broken(rows)).toEqual([]);
      const inDoubt = rows.flatMap(({ status, delivery_id }) => (status === 'unknown' ? delivery_id : []));
      expect(inDoubt.sort()).toEqual([...begun].sort());
      const sms = KILLS * ALERTS_A_KILL;
      expect(inDoubt.length).toBeLessThan(sms);
      const seen = kit.sink.timesSeen();
      const repeated = [...seen.values()].filter((times) => times > 1).length;
      expect(repeated).toBeGreaterThan(0);
      const arrived = inDoubt.filter((id) => seen.has(id)).length;
      process.stdout.write(
        `${KILLS} kills, ${rows.length} deliveries: lost 0, seen more than once ${repeated} with the same id, SMS twice 0, in doubt ${inDoubt.length} of ${sms} SMS, of which the sink has ${arrived}\n`,
      );
    },
    limitMs(KILLS * 4 + SETTLED_WITHIN_S),
  );
});
