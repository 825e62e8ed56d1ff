import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { SseStream } from '../kit/sse-client';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { brokenInCrowd, Crowd } from './crowd/crowd';
import { figures } from './figures';
import { limitMs } from './size';
import { SteadyLoad } from './steady-load';
import { brokenPromises, percentile, storedAll } from './verdict';

const clients = 5_000;
const unknown = 500;
const frozenSeconds = 75;
/** How often all clients lose their stream during the outage. */
const cutEverySeconds = 14;
/** Within this time the service is asked once about a user. */
const ONCE_IN_MS = 10_000;
const TOLD_WITHIN_MS = 1_500;
/** There are no lookups for known users; they only wait for the rest of the five thousand that came with them. */
const KNOWN_IN_WITHIN_MS = 3_000;
const tenants = Array.from({ length: 20 }, (_, i) => `tenant-${i}`);
const known = Array.from({ length: clients }, (_, i) => ({ user: `known-${i}`, tenant: tenants[i % tenants.length]! }));
const strangers = Array.from({ length: unknown }, (_, i) => ({
  user: `stranger-${i}`,
  tenant: tenants[i % tenants.length]!,
}));

describe(`the tenant service frozen for ${frozenSeconds} s`, () => {
  let stack: Stack;
  let crowd: Crowd | undefined;
  let load: SteadyLoad | undefined;

  beforeAll(async () => {
    stack = await Stack.open({
      tenants: Object.fromEntries([...known, ...strangers].map(({ user, tenant }) => [user, [tenant]])),
    });
  }, 60_000);
  afterAll(async () => {
    await load?.stop();
    await crowd?.close();
    await stack?.close();
  }, 60_000);

  /** Opens a stream as a user whom the gateway does not know. Resolves to the first event and the time that it took. */
  async function ask(user: string): Promise<{ said: string; tookMs: number }> {
    const startedAt = performance.now();
    const stream = await SseStream.open(stack.eventsUrl(), { headers: { Authorization: `Bearer ${tokenFor(user)}` } });
    const { event, data, receivedAt } = await stream.frame(({ event }) => event === 'connection' || event === 'close');
    stream.close();
    return {
      said: event === 'close' ? `${stream.status} ${(JSON.parse(data) as { reason: string }).reason}` : event,
      tookMs: receivedAt - startedAt,
    };
  }

  it(
    `${clients} clients that come back again and again: known users are let in, others are refused within 1.5 s, and no user is looked up twice in 10 s`,
    async () => {
      crowd = await Crowd.open({ members: known, urls: [stack.eventsUrl()], connectsPerSecond: 500 });
      load = new SteadyLoad(stack.amqp, { tenants, perSecond: 40 }).start();
      stack.tenantService.frozen = true;
      const frozenAt = performance.now();
      const before = stack.tenantService.requests.length;
      crowd.order({ kind: 'mark' });

      const told: { said: string; tookMs: number }[] = [];
      let cuts = 0;
      while (performance.now() - frozenAt < frozenSeconds * 1_000) {
        crowd.order({ kind: 'cut' });
        cuts += 1;
        // while those come back, unknown users come as well, and again although they were told to wait
        for (const pauseMs of [2_000, cutEverySeconds * 1_000 - 2_000]) {
          const startedAt = performance.now();
          told.push(...(await Promise.all(strangers.map(({ user }) => ask(user)))));
          await sleep(Math.max(0, startedAt + pauseMs - performance.now()));
        }
      }
      await crowd.allConnected();
      const asked = stack.tenantService.requests.slice(before);
      const meanwhile = await crowd.report();
      stack.tenantService.frozen = false;

      const [knownMs, toldMs] = [percentile(meanwhile.answeredMs, 99), Math.max(...told.map(({ tookMs }) => tookMs))];
      const reconnects = { reconnects: meanwhile.absencesMs.length, questions: asked.length };
      figures(20, `the tenant service frozen for ${frozenSeconds} s`, {
        ...reconnects,
        'known in p99': { is: knownMs, atMost: KNOWN_IN_WITHIN_MS },
        'strangers told, the last': { is: toldMs, atMost: TOLD_WITHIN_MS },
      });

      // checks that the fault happened: there were lookups without an answer
      expect(new Set(asked.map(({ user }) => user)).size).toBeGreaterThan(unknown);
      const lastAsked = new Map<string, number>();
      const tooSoon = asked.filter(({ user, at }) => {
        const since = at - (lastAsked.get(user) ?? -Infinity);
        lastAsked.set(user, at);
        return since < ONCE_IN_MS;
      });
      expect(tooSoon.slice(0, 5)).toEqual([]);

      expect(meanwhile.absencesMs.length).toBe(cuts * clients);
      expect(Object.keys(meanwhile.attempts).filter((outcome) => /^\d+$/.test(outcome))).toEqual(['200']);
      expect(meanwhile.closeReasons).toEqual({});
      expect(knownMs).toBeLessThan(KNOWN_IN_WITHIN_MS);
      expect(new Set(told.map(({ said }) => said))).toEqual(new Set(['200 tenant_service_unavailable']));
      expect(toldMs).toBeLessThan(TOLD_WITHIN_MS);

      // the service answers again, so an unknown user is admitted at the next request
      await eventually(async () => expect((await ask(strangers[0]!.user)).said).toBe('connection'), ONCE_IN_MS + 2_000);
      await load.stop();
      const rows = await storedAll(stack.database.url, load.published);
      await crowd.caughtUp(rows);
      expect(brokenInCrowd(await crowd.report(), rows).slice(0, 10)).toEqual([]);
      expect(brokenPromises({ published: load.published, histories: [rows], watchers: [] }).slice(0, 10)).toEqual([]);
    },
    limitMs(frozenSeconds + clients / 500 + 20),
  );
});
