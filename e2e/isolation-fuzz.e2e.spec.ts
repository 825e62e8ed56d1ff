import fc from 'fast-check';
import { eventually } from '@tocsin/contracts/testing';
import { BuiltCopy } from './faults/built-copy';
import { limitMs, sized, SIZE_NOTE } from './faults/size';
import { MarkedTenant } from './isolation/marked-tenant';
import { WITHOUT_CONDITIONS } from './isolation/without-conditions';
import { ApiDocument } from './kit/api-document';
import { callsOf, makeCall, type Call, type OpenApi } from './kit/fuzzed-calls';
import { ask } from './kit/http';
import type { AppProcess } from './kit/processes';
import { Stack } from './kit/stack';

/** `ISOLATION_SEED` makes the same calls again. */
const SEED = Number(process.env.ISOLATION_SEED ?? Date.now() % 2 ** 31);
/** How many calls of each operation each of the two users makes. */
const CALLS = sized(200, 10);
/** Operations that only read, so their response is the same until data changes. */
const READS = [
  'listAlerts',
  'searchAlerts',
  'groupAlerts',
  'showAlert',
  'showAlertHistory',
  'listEvents',
  'readSeenCursor',
  'showSession',
  'signIn',
  'finishSignIn',
  'listDeadLetters',
  'summariseDeadLetters',
  'showHealth',
  'showDeadLetter',
  'listTenants',
  'countAlerts',
  'listNotifications',
  'showNotification',
  'listDeliveries',
  'showDelivery',
  'listWebhooks',
  'showWebhook',
  'showPush',
];
/** Calls that are made with every seed. */
const USUAL = [
  ['listAlerts', '/api/v1/alerts?order=severity'],
  ['groupAlerts', '/api/v1/alerts/groups?by=service'],
  ['listEvents', '/api/v1/events?limit=200'],
  ['listDeadLetters', '/api/v1/dead-letters?status=all'],
  ['listNotifications', '/api/v1/notifications'],
  ['listWebhooks', '/api/v1/webhooks'],
  ['showPush', '/api/v1/push'],
  ['streamEvents', '/api/events?since=20'],
] as const;
const COUNTS = [
  'alerts?facets=true',
  'alerts?facets=true&service=inventory&q=flour',
  'alerts?facets=true&label.site=north&order=oldest',
  'alerts/groups?by=name',
  'alerts/groups?by=label.site&q=flour&order=severity',
  'stats?q=flour&from=2026-01-01&to=2026-12-31&buckets=3',
  'stats?from=2026-01-01&to=2026-12-31&buckets=3',
  'stats/tenants',
  'dead-letters?status=all',
  'dead-letters/summary',
];
const AT_ONCE = 8;

interface Made {
  id: string;
  method: string;
  call: Call;
}

describe("of two tenants whose ids, cursors, tickets and words are fed into each other's calls", () => {
  let stack: Stack;
  let unconditioned: BuiltCopy;
  let api: ApiDocument<OpenApi>;
  let ana: MarkedTenant;
  let ben: MarkedTenant;
  let whole: AppProcess;
  let open: AppProcess;

  beforeAll(async () => {
    unconditioned = new BuiltCopy(WITHOUT_CONDITIONS);
    stack = await Stack.open({ gatewayEnvironment: { HEARTBEAT_MS: '1000' } });
    whole = stack.gateway;
    api = await ApiDocument.read(whole.url, '/docs/openapi.json');
    [ana, ben] = [new MarkedTenant(stack, 'ana'), new MarkedTenant(stack, 'ben')];
    for (const one of [ana, ben]) await one.publish();
    await atRest();
    for (const one of [ana, ben]) await one.learn(whole.url);
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    unconditioned?.remove();
  }, 60_000);

  /** Resolves when no message waits in a queue, and all published messages are entries or dead letters. */
  const atRest = () =>
    eventually(async () => {
      const [{ settled }] = (await stack.sql(
        'select (select count(*) from tocsin.event where actor is null) >= 16 and (select count(*) from ' +
          'tocsin.dead_letter) >= 6 as settled',
      )) as [{ settled: boolean }];
      expect([settled, await stack.amqp.depth()]).toEqual([true, 0]);
    }, 20_000);

  /** The calls of one user, made of values that both users know. */
  function callsBy(user: MarkedTenant, other: MarkedTenant, wanted: (id: string) => boolean = () => true): Made[] {
    const fields = [...new Set([...Object.keys(user.known), ...Object.keys(other.known)])];
    const known = Object.fromEntries(
      fields.map((field) => [field, [...(user.known[field] ?? []), ...(other.known[field] ?? [])]]),
    );
    const usual: Made[] = USUAL.map(([id, path]) => ({
      id,
      method: 'GET',
      call: { path, headers: { Authorization: user.authorization }, body: undefined },
    })).filter(({ id }) => wanted(id));
    for (const alertId of wanted('showAlert') ? (known.alert_id ?? []) : []) {
      usual.push({
        id: 'showAlert',
        method: 'GET',
        call: {
          path: `/api/v1/alerts/${String(alertId)}`,
          headers: { Authorization: user.authorization },
          body: undefined,
        },
      });
    }
    const fuzzed = Object.entries(api.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, operation]) =>
        wanted(operation.operationId)
          ? fc
              .sample(callsOf(api.document, path, operation, { known, credential: fc.constant(user.authorization) }), {
                seed: SEED,
                numRuns: CALLS,
              })
              .map((call) => ({ id: operation.operationId, method: method.toUpperCase(), call }))
          : [],
      ),
    );
    return [...usual, ...fuzzed];
  }

  const answerTo = (gateway: AppProcess, { method, call }: Made) =>
    makeCall(gateway.url, method, call, (text) => /event: (heartbeat|close)\n/.test(text));

  /** The other tenant's words that come back without having been sent, with the calls that returned them. */
  async function foreignWords(gateway: AppProcess, calls: readonly Made[], other: MarkedTenant): Promise<string[]> {
    const found: string[] = [];
    const waiting = [...calls];
    const work = async () => {
      for (let made = waiting.shift(); made; made = waiting.shift()) {
        const { status, head, text } = await answerTo(gateway, made);
        if (status >= 500) found.push(`${status} ${made.id} ${text}`);
        const { path, headers, body = '' } = made.call;
        const sent = [path, decoded(path), ...Object.values(headers), body].join('\n').toLowerCase();
        const got = `${head}\n${text}`.toLowerCase();
        for (const mark of other.marks)
          if (got.includes(mark.toLowerCase()) && !sent.includes(mark.toLowerCase()))
            found.push(`${made.id} ${made.method} ${path} ${body}: ${mark}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return found;
  }

  /** Both users make calls, and neither's rows change because of the other's calls. */
  async function nothingForeign(gateway: AppProcess): Promise<void> {
    for (const [user, other] of [
      [ana, ben],
      [ben, ana],
    ] as const) {
      await atRest();
      const before = await other.rows();
      expect(await foreignWords(gateway, callsBy(user, other), other)).toEqual([]);
      await atRest();
      expect(await other.rows()).toBe(before);
    }
  }

  it(
    `nothing foreign comes back by any operation of the document, and nothing foreign changes (ISOLATION_SEED=${SEED})${SIZE_NOTE}`,
    async () => {
      await nothingForeign(whole);
    },
    limitMs(sized(600, 20)),
  );

  it("a ticket of the other beside one's own token is refused, and a cookie of the other not looked at", async () => {
    const ticket = await ask(whole.url, '/api/events/ticket', {
      method: 'POST',
      headers: { Authorization: ben.authorization },
    });
    const cookie = await ask(whole.url, '/api/events/ticket?mode=cookie', {
      method: 'POST',
      headers: { Authorization: ben.authorization },
    });
    const ticketText = String(ticket.json.ticket);
    const cookieText = String(cookie.headers['set-cookie']).split(';')[0]!;
    for (const [path, more, status] of [
      [`/api/events?ticket=${ticketText}&since=10`, {}, 400],
      ['/api/events?since=10', { Cookie: cookieText }, 200],
    ] as const) {
      const made = {
        id: 'streamEvents',
        method: 'GET',
        call: { path, headers: { Authorization: ana.authorization, ...more }, body: undefined },
      };
      expect([ticketText.length > 20, cookieText.length > 20, (await answerTo(whole, made)).status]).toEqual([
        true,
        true,
        status,
      ]);
      expect(await foreignWords(whole, [made], ben)).toEqual([]);
    }
  });

  it(
    `the same with the tenant's condition removed from every statement: row-level security holds${SIZE_NOTE}`,
    async () => {
      const migration = stack.processes.launch(
        'cli',
        stack.environment,
        ['migrate'],
        unconditioned.program('cli').main,
      );
      expect(await migration.exit).toMatchObject({ code: 0 });
      await migration.kill(); // it has ended
      open = await stack.startGateway({}, unconditioned.program('gateway'));
      await nothingForeign(open);
    },
    limitMs(sized(600, 30)),
  );

  it(
    'what is foreign is found by the same calls once row-level security is off as well: the search is not blind',
    async () => {
      const tables = await stack.sql<{ name: string }>(
        `select oid::regclass::text as name from pg_class where relnamespace = 'tocsin'::regnamespace and relrowsecurity and relkind in ('r', 'p')`,
      );
      const security = (state: string) =>
        stack.sql(tables.map(({ name }) => `alter table ${name} ${state} row level security`).join(';'));
      await security('disable');
      try {
        const found = await foreignWords(
          open,
          callsBy(ana, ben, (id) => READS.includes(id) || id === 'streamEvents'),
          ben,
        );
        const operations = new Set(found.map((line) => line.split(' ')[0]));
        expect([...operations]).toEqual(
          expect.arrayContaining([
            'listAlerts',
            'showAlert',
            'listEvents',
            'listDeadLetters',
            'listNotifications',
            'listWebhooks',
            'showPush',
          ]),
        );
      } finally {
        await security('enable');
      }
    },
    limitMs(20),
  );

  it(
    'lists, counts and facets are those of the tenant alone, with the conditions and without',
    async () => {
      // counts without a given end are made up to now, which differs the second time
      const calls = callsBy(ana, ben, (id) => READS.includes(id)).filter(
        ({ id, call }) => id !== 'countAlerts' || (call.path.includes('from=') && call.path.includes('to=')),
      );
      for (const path of COUNTS)
        calls.push({
          id: 'counts',
          method: 'GET',
          call: { path: `/api/v1/${path}`, headers: { Authorization: ana.authorization }, body: undefined },
        });
      const answers = async (gateway: AppProcess) => {
        const all: string[] = [];
        for (const made of calls) {
          const { status, text } = await answerTo(gateway, made);
          all.push(`${made.id} ${made.call.path} ${status} ${text.replace(/"instance":"[^"]*"/, '')}`);
        }
        return all;
      };
      const together = [await answers(whole), await answers(open)];
      expect(together[0]!.filter((answer) => answer.includes(' 200 ')).length).toBeGreaterThan(calls.length / 4);
      await ben.erase();
      const alone = await answers(whole);
      expect(together).toEqual([alone, alone]);
    },
    limitMs(20),
  );
});

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
