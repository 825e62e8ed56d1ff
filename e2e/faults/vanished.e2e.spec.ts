import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import type { AppProcess } from '../kit/processes';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { BuiltCopy } from './built-copy';
import { Crowd } from './crowd/crowd';
import { figures } from './figures';
import { NetworkNamespace } from './network-namespace';
import { limitMs, SIZE_NOTE, sized, WHOLE } from './size';

const vanishing = sized(200, 20);
const aborted = sized(20_000, 1_000);
/** Of the aborted connects, how many are under way at a time. */
const AT_A_TIME = 50;
const PRESENT = 3;
/** All of them together have as many streams as this cap allows, so that one slot that is not given back is one stream too few. */
const caps = { STREAMS_PER_USER: '2', STREAMS_PER_TENANT: String(vanishing + PRESENT), STREAMS_PER_ADDRESS: '0' };

const names = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}-${i}`);
const known = (users: readonly string[], tenant: string) => Object.fromEntries(users.map((user) => [user, [tenant]]));
const reason = NetworkNamespace.whyNot();

interface Stats {
  totals: { tenants: number; streams: number };
  tenants: { tenant_id: string; streams: number }[];
}
const statsOf = async (gateway: AppProcess): Promise<Stats> =>
  (await (await fetch(`${gateway.adminUrl}/stats`)).json()) as Stats;

describe(`clients that are gone${SIZE_NOTE}`, () => {
  let stack: Stack;
  let namespace: NetworkNamespace | undefined;
  let crowd: Crowd | undefined;
  let copy: BuiltCopy | undefined;
  let silentSince = 0;
  const gone = names(vanishing, 'gone');
  const present = names(PRESENT, 'present');
  // one for each connect: of whom the gateway knows nothing, the tenant service is asked
  const hasty = names(aborted, 'hasty');
  const early = names(AT_A_TIME, 'early');

  // The vanished ones are given their time while others are tested.
  beforeAll(async () => {
    const tenants = { ...known([...gone, ...present], 'bakery'), ...known([...hasty, ...early], 'brewery') };
    // a kernel counts from the first bytes that are not acknowledged: with more heartbeats that is sooner
    stack = await Stack.open({ tenants, gatewayEnvironment: { ...caps, HEARTBEAT_MS: sized('15000', '1000') } });
    if (reason) return;
    namespace = NetworkNamespace.open();
    const urls = [stack.eventsUrl().replace('127.0.0.1', namespace.hostAddress)];
    crowd = await Crowd.open({
      members: gone.map((user) => ({ user, tenant: 'bakery' })),
      urls,
      namespace: namespace.name,
    });
    for (const user of present) await stack.watch(user);
    namespace.silence();
    silentSince = performance.now();
  }, 90_000);
  afterAll(async () => {
    await crowd?.close();
    await stack?.close();
    copy?.remove();
    namespace?.close();
  }, 60_000);

  /** A feed outlives its last stream by 30 s; the short run has a gateway where it is 2 s. */
  async function startGateway(): Promise<AppProcess> {
    if (WHOLE) return stack.startGateway({ STREAMS_PER_TENANT: '0' });
    copy = new BuiltCopy([
      {
        file: 'apps/gateway/src/feeds/tenant-feeds.js',
        search: 'const LINGER_MS = 30_000;',
        replace: 'const LINGER_MS = 2_000;',
      },
    ]);
    return stack.startGateway({ STREAMS_PER_TENANT: '0' }, copy.program('gateway'));
  }

  it(
    `${aborted} connects that are given up, before an answer or in the middle of one, leave no stream, no feed, no subscription, no slot and no open file`,
    async () => {
      const gateway = await startGateway();
      // its pools are as large as they get once so many were served at a time
      stack.tenantService.delayMs = 30;
      await Promise.all(early.map((user) => abortedConnect(gateway, tokenFor(user), { answered: true })));
      const filesBefore = openFiles(gateway);
      const asksBefore = stack.tenantService.requests.length;
      const left = [...hasty.entries()];
      const leaveOneByOne = async (until: number): Promise<void> => {
        while (left.length > until) {
          const [i, user] = left.pop()!;
          await abortedConnect(gateway, tokenFor(user), { answered: i % 2 === 0 });
        }
      };
      // half of them while the tenant service takes its time
      for (const [delayMs, until] of [
        [0, aborted / 2],
        [30, 0],
      ] as const) {
        stack.tenantService.delayMs = delayMs;
        await Promise.all(Array.from({ length: AT_A_TIME }, () => leaveOneByOne(until)));
      }
      stack.tenantService.delayMs = 0;

      const topic = `${stack.prefix}alerts:brewery`;
      await eventually(async () => expect(await gateway.metric('tocsin_sse_connections')).toBe(0), 15_000);
      expect((await statsOf(gateway)).totals.streams).toBe(0);
      await eventually(async () => {
        expect((await statsOf(gateway)).totals.tenants).toBe(0);
        expect(await stack.redis.pubsub('NUMSUB', topic)).toEqual([topic, 0]);
        expect(
          (await stack.redis.keys(`${stack.prefix}streams:*`)).filter((key) => /hasty|early|brewery/.test(key)),
        ).toEqual([]);
        expect(openFiles(gateway)).toBeLessThanOrEqual(filesBefore);
      }, 40_000);
      const opened = await gateway.metric('tocsin_sse_connections_opened_total');
      const filesAfter = openFiles(gateway);
      const asked = stack.tenantService.requests.length - asksBefore;
      figures(17, `${aborted} aborted connects`, {
        'tenant service asked': asked,
        'streams opened': opened,
        'files before': filesBefore,
        'files after': filesAfter,
      });
      // the fault did happen, in both ways: half of them left with the first bytes of a stream, and others while somebody was asked for them
      expect(opened).toBeGreaterThan(0);
      expect(asked).toBeGreaterThan(aborted / 2);
      // and each of them may have as many as ever
      const [first, second] = [await stack.watch('hasty-0', { gateway }), await stack.watch('hasty-0', { gateway })];
      for (const stream of [first, second]) stream.close();
    },
    limitMs(sized(400, 15)),
  );

  (reason ? it.skip : it)(
    `${vanishing} clients that vanish without a word are found within 60 s: the gauge and /stats are true again, and their slots are free${reason ? ` (skipped: ${reason})` : ''}`,
    async () => {
      await eventually(
        async () => {
          await sleep(100);
          expect(await stack.gateway.metric('tocsin_sse_connections')).toBe(PRESENT);
        },
        Math.max(0, silentSince + 75_000 - performance.now()),
      );
      const foundMs = performance.now() - silentSince;
      figures(17, `${vanishing} half-open clients`, { 'found after': { is: foundMs, atMost: 60_000 } });
      expect(foundMs).toBeLessThan(60_000);
      const { totals, tenants } = await statsOf(stack.gateway);
      expect({
        streams: totals.streams,
        tenants: tenants.map(({ tenant_id, streams }) => [tenant_id, streams]),
      }).toEqual({ streams: PRESENT, tenants: [['bakery', PRESENT]] });
      expect(await stack.gateway.metric('tocsin_sse_connections_closed_total')).toBe(vanishing);
      await Promise.all(gone.map((user) => stack.watch(user)));
    },
    limitMs(60),
  );
});

/** Sockets and files that a process has open. */
const openFiles = ({ pid }: AppProcess): number => readdirSync(`/proc/${pid}/fd`).length;

/** Asks for a stream and hangs up: with the first bytes of the answer, or a moment after asking, whatever is under way. With FIN or RST. */
function abortedConnect(gateway: AppProcess, token: string, { answered }: { answered: boolean }): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(gateway.port, '127.0.0.1');
    const leave = Math.random() < 0.5 ? () => socket.destroy() : () => socket.resetAndDestroy();
    socket.on('error', () => undefined);
    if (answered) socket.once('data', leave);
    socket.on('connect', () => {
      socket.write(
        `GET /api/events HTTP/1.1\r\nHost: gateway\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      );
      if (!answered) setTimeout(leave, Math.random() * 50);
    });
    socket.on('close', () => resolve());
  });
}
