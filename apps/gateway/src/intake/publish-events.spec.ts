import { QueueFull, Refused, Unavailable, type DeadLetter, type ValidMessage } from '@tocsin/contracts';
import { MessageGroup, publishedForm, readOpsgenieAlert, readPagerDutyEvent } from '@tocsin/messages';
import type { NamedAlert, PublishOutcome } from '@tocsin/contracts/ports';
import { Metrics } from '@tocsin/observability';
import { PublishEvents, type Publisher } from './publish-events';
import { answerOf } from './published-answer';
import type { ReceiptWatch } from './receipt-watch';

const alert = (more: object = {}, labels: object = {}) => ({
  status: 'firing',
  labels: { alertname: 'Cold', ...labels },
  annotations: {},
  startsAt: '2026-01-02T03:04:05Z',
  fingerprint: 'f',
  ...more,
});
const BAD = alert({ fingerprint: 'x'.repeat(300) });
const group = (alerts: unknown[], more: object = {}) => ({
  version: '4',
  groupKey: '{}',
  truncatedAlerts: 0,
  alerts,
  ...more,
});
const page = (more: object = {}) => ({
  routing_key: 'k',
  event_action: 'trigger',
  payload: { summary: 's', source: 'h', severity: 'error' },
  ...more,
});

/** A publisher with a queue, an event log and alerts in memory. */
class Door {
  readonly published: ValidMessage[] = [];
  readonly batches: number[] = [];
  readonly letters: DeadLetter[] = [];
  readonly notes: unknown[][] = [];
  readonly metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 1 });
  named: Pick<NamedAlert, 'alert_id' | 'status'> | 'away' | undefined;
  /** How many messages the queue confirms before it stops confirming. */
  confirms = Infinity;
  /** How many messages the queue has room for. */
  room = Infinity;
  storeIsAway = false;

  private readonly events = new PublishEvents(
    {
      publish: (messages) => {
        this.batches.push(messages.length);
        if (this.published.length + messages.length > this.room) return Promise.reject(new QueueFull('memory'));
        const outcomes = messages.map(({ id }): PublishOutcome =>
          this.confirms-- > 0 ? { id, outcome: 'confirmed' } : { id, outcome: 'failed', reason: 'nacked' },
        );
        this.published.push(...messages.filter((_, index) => outcomes[index]!.outcome === 'confirmed'));
        return Promise.resolve(outcomes);
      },
    },
    {
      bury: (letters) =>
        this.storeIsAway
          ? Promise.reject(new Unavailable('log', 'away'))
          : Promise.resolve(void this.letters.push(...letters)),
    },
    {
      named: (_tenant, service, dedup_key) =>
        this.named === 'away'
          ? Promise.reject(new Unavailable('log', 'away'))
          : Promise.resolve(this.named && { ...this.named, service, dedup_key }),
    },
    { noteBy: (...note) => Promise.resolve(void this.notes.push(note)) },
    {
      wait: (messages: readonly ValidMessage[]) =>
        Promise.resolve(
          messages.map((_, index) => ({ outcome: 'stored', position: { epoch: 'e', seq: index + 1, fp: 'f' } })),
        ),
    } as unknown as ReceiptWatch,
    this.metrics,
    65_536,
  );

  async send(body: unknown, query: Record<string, string> = { tenant: 'bakery' }, more: Partial<Publisher> = {}) {
    const published = await this.events.publish(
      { body: Buffer.from(JSON.stringify(body)), headers: {}, query },
      { by: 'svc', publishesFor: (tenant) => tenant !== 'foreign', ...more },
    );
    return answerOf(published);
  }

  /** Publishes what a client of PagerDuty or Opsgenie has sent to the address that imitates that system. */
  sendAsPeer(body: unknown, read: Parameters<typeof MessageGroup.of>[4]) {
    const group = MessageGroup.of(body, { tenant_id: 'bakery' }, Buffer.from(JSON.stringify(body)), false, read)!;
    return this.events.publishGroup(group, { by: 'svc', publishesFor: () => true });
  }

  /** The refusal of a request. */
  refusal = (body: unknown, query?: Record<string, string>): Promise<Refused> =>
    this.send(body, query).then(
      () => Promise.reject(new Error('accepted')),
      (error: unknown) => (error instanceof Refused ? error : Promise.reject(error as Error)),
    );
}

/** A message as the queue gets it. */
const asPublished = (message: ValidMessage) => JSON.parse(publishedForm(message).toString()) as Partial<ValidMessage>;

let door: Door;
beforeEach(() => (door = new Door()));

describe('a group of which some part is published', () => {
  it.each<[string, unknown[], object[], (string | null)[]]>([
    [
      'one that breaks a limit',
      [alert(), BAD],
      [{ pointer: '/alerts/1/fingerprint', code: 'invalid_field' }],
      ['bakery'],
    ],
    ['one that is no alert', ['text', alert()], [{ pointer: '/alerts/0', code: 'invalid_field' }], ['bakery']],
    [
      'one of a foreign tenant',
      [alert(), alert({}, { tenant_id: 'foreign' })],
      [{ pointer: '/alerts/1/labels/tenant_id', code: 'tenant_forbidden' }],
      [null],
    ],
    [
      'one that is refused, of a foreign tenant',
      [alert(), { ...BAD, labels: { tenant_id: 'foreign' } }],
      [{ pointer: '/alerts/1/fingerprint' }],
      [null],
    ],
    [
      'one of no tenant',
      [alert(), alert({}, { tenant_id: 'a,b' })],
      [{ pointer: '/alerts/1/labels/tenant_id' }],
      [null],
    ],
  ])('is answered as done, and names %s', async (_, alerts, refused, tenants) => {
    const answer = await door.send(group(alerts));
    expect(answer).toMatchObject({ ids: [door.published[0]!.id], refused, refused_count: 1 });
    expect(door.published).toHaveLength(1);
    expect(door.letters.map(({ tenant_id }) => tenant_id)).toEqual(tenants);
    expect(await door.metrics.registry.getSingleMetricAsString('tocsin_refused_parts_total')).toContain(' 1');
  });

  it('buries each refused part alone, so that a redrive stores nothing twice', async () => {
    await door.send(group([alert(), BAD, alert({ fingerprint: 'g' }), 'text']));
    expect(door.letters.map(({ body, reason }) => [reason, body.toString()])).toEqual([
      ['invalid_field', expect.stringContaining('"tenant_id":"bakery"')],
      ['invalid_field', '"text"'],
    ]);
    for (const { body } of door.letters) expect(body.toString()).not.toContain('"dedup_key":"f"');
  });

  it('says the same to a publisher that waits', async () => {
    expect(await door.send(group([BAD, alert()]), undefined, { waitMs: 1_000 })).toMatchObject({
      events: [{ outcome: 'stored', seq: 1 }],
      refused: [{ pointer: '/alerts/0/fingerprint' }],
    });
  });

  it('names twenty, and how many there are', async () => {
    const answer = await door.send(group([alert(), ...Array.from({ length: 700 }, () => BAD)]));
    expect([answer.refused?.length, answer.refused_count, door.letters.length]).toEqual([20, 700, 700]);
  });

  it('must be sent again when the dead letters cannot be stored', async () => {
    door.storeIsAway = true;
    await expect(door.send(group([alert(), BAD]))).rejects.toBeInstanceOf(Unavailable);
  });
});

describe('a group of which nothing is published', () => {
  it.each<[string, unknown[], string]>([
    ['all of it breaks a limit', [BAD, 'text'], 'invalid_field'],
    ['all of it is of a foreign tenant', [alert({}, { tenant_id: 'foreign' })], 'tenant_forbidden'],
    ['no tenant is named', [alert()], 'missing_tenant'],
  ])('is refused: %s', async (_, alerts, code) => {
    const refusal = await door.refusal(group(alerts), code === 'missing_tenant' ? {} : undefined);
    expect(refusal.code).toBe(code);
    expect(refusal.details.errors?.[0]?.pointer).toMatch(/^\/alerts\/0/);
    expect([door.published, door.letters]).toEqual([[], []]);
  });
});

describe('a group of many', () => {
  it('is published in batches, for any number of messages', async () => {
    const answer = await door.send(
      group(Array.from({ length: 1_201 }, (_, index) => alert({ fingerprint: `f${index}` }))),
    );
    expect(door.batches).toEqual([200, 200, 200, 200, 200, 200, 1]);
    expect('ids' in answer && answer.ids.length).toBe(1_201);
    expect(new Set(door.published.map(({ id }) => id)).size).toBe(1_201);
  });

  it('names all that the queue has when it does not take the rest', async () => {
    door.confirms = 700;
    await expect(
      door.send(group(Array.from({ length: 900 }, (_, index) => alert({ fingerprint: `f${index}` })))),
    ).rejects.toMatchObject({ code: 'publish_failed', confirmed: { length: 700 } });
  });
});

describe('a queue that is full', () => {
  const many = group(Array.from({ length: 900 }, (_, index) => alert({ fingerprint: `f${index}` })));

  it('is said as such when it has nothing of the request', async () => {
    door.room = 100;
    await expect(door.send(many)).rejects.toBeInstanceOf(QueueFull);
    await expect(door.send(page({ dedup_key: 'd' }), { tenant: 'bakery' })).resolves.toBeDefined();
  });

  it('names what it has once it has some of the request', async () => {
    door.room = 500;
    await expect(door.send(many)).rejects.toMatchObject({ code: 'publish_failed', confirmed: { length: 400 } });
  });

  it('names the alerts that it has when there is no room for the notice that none was left out', async () => {
    door.named = { alert_id: 'a', status: 'firing' };
    door.room = 2;
    await expect(door.send(group([alert(), alert({ fingerprint: 'g' })]))).rejects.toMatchObject({
      code: 'publish_failed',
      confirmed: { length: 2 },
    });
  });
});

describe('alerts that were left out', () => {
  const notices = () => door.published.filter(({ dedup_key }) => dedup_key?.startsWith('left-out/'));

  it('are reported beside those that were sent', async () => {
    await door.send(group([alert()], { truncatedAlerts: 12 }));
    expect(notices()).toMatchObject([{ tenant_id: 'bakery', title: '12 more alerts were not sent', status: 'firing' }]);
  });

  it.each<[string, Door['named'], number]>([
    ['it is open', { alert_id: 'a', status: 'acknowledged' }, 1],
    ['it is over already', { alert_id: 'a', status: 'resolved' }, 0],
    ['there was none', undefined, 0],
    ['unknown', 'away', 1],
  ])('are over when none is left out, if %s', async (_, named, count) => {
    door.named = named;
    await door.send(group([alert()]));
    expect(notices().map(({ status }) => status)).toEqual(Array.from({ length: count }, () => 'resolved'));
  });
});

describe('an alert of severity none', () => {
  const watchdog = alert({ fingerprint: 'w' }, { severity: 'none' });
  it.each<[string | undefined, string | undefined]>([
    [undefined, 'low'],
    ['urgent', 'urgent'],
    ['drop', undefined],
  ])('with ?severity_none=%s is %s', async (severity_none, severity) => {
    const answer = await door.send(group([watchdog, alert()]), {
      tenant: 'bakery',
      ...(severity_none && { severity_none }),
    });
    expect(door.published.find(({ dedup_key }) => dedup_key === 'w')?.severity).toBe(severity);
    expect(answer.dropped).toBe(severity === undefined ? 1 : undefined);
  });

  it('may be the only one of the request', async () => {
    expect(await door.send(group([watchdog]), { tenant: 'bakery', severity_none: 'drop' })).toEqual({
      ids: [],
      dropped: 1,
    });
  });
});

describe('an event of PagerDuty', () => {
  it("is answered in PagerDuty's format, and is given a key when it has none", async () => {
    expect(await door.send(page({ dedup_key: 'oven' }))).toMatchObject({
      status: 'success',
      message: 'Event processed',
      dedup_key: 'oven',
      ids: [door.published[0]!.id],
    });
    const answer = await door.send(page());
    expect(answer.dedup_key).toBe(door.published[1]!.dedup_key);
    expect(answer.dedup_key).toMatch(/.{16,}/);
    expect(asPublished(door.published[1]!).dedup_key).toBe(answer.dedup_key);
  });

  it('is refused when only the key that it is given makes it too large', async () => {
    // links are not cut, and this event has 20 bytes to spare without a key
    const links = (length: number) =>
      Array.from({ length: 10 }, () => ({ href: `https://example.com/${'x'.repeat(length)}`, text: 'l' }));
    const event = (length: number) =>
      page({ links: links(1_900), custom_details: undefined, images: Array.from({ length }, () => 1) });
    await door.send(page({ ...event(0), dedup_key: 'k' }));
    const room = 65_536 - publishedForm(door.published[0]!).length + '"dedup_key":"k","snapshot":true,'.length;
    const images = Math.floor((room - '"images":[],'.length - 20) / 2);
    expect(await door.refusal(event(images))).toMatchObject({ code: 'message_too_large' });
    await door.send(event(images - 50));
    expect(asPublished(door.published[1]!).dedup_key).toBe(door.published[1]!.id);
  });

  it('is of the tenant of its address, as its end is, and names one itself where the address names none', async () => {
    const payload = { summary: 's', source: 'h', severity: 'error', custom_details: { tenant_id: 'dairy' } };
    const addresses: Record<string, string>[] = [{ tenant: 'bakery' }, {}];
    for (const query of addresses) {
      await door.send(page({ dedup_key: 'oven', payload }), query);
      await door.send(page({ dedup_key: 'oven', payload, event_action: 'resolve' }), query);
    }
    await door.send({ routing_key: 'k', event_action: 'resolve', dedup_key: 'oven' });
    expect(door.published.map(({ tenant_id }) => tenant_id)).toEqual(['bakery', 'bakery', 'dairy', 'dairy', 'bakery']);
  });

  it('is in a list what it is alone: of the tenant of the address, with a key that its end can name', async () => {
    const payload = { summary: 's', source: 'h', severity: 'error', custom_details: { tenant_id: 'dairy' } };
    const end = { routing_key: 'k', event_action: 'resolve' };
    await door.send([page({ dedup_key: 'oven', payload }), { ...end, dedup_key: 'oven' }]);
    expect(door.published.map(({ tenant_id, status }) => [tenant_id, status])).toEqual([
      ['bakery', 'firing'],
      ['bakery', 'resolved'],
    ]);
    const { ids } = (await door.send([page({ payload })])) as { ids: string[] };
    await door.send([{ ...end, dedup_key: ids[0] }]);
    expect(door.published.slice(2).map(({ dedup_key }) => dedup_key)).toEqual([ids[0], ids[0]]);
    await door.send([page({ dedup_key: 'oven', payload })], {});
    expect(door.published.at(-1)!.tenant_id).toBe('dairy');
  });

  it('that acknowledges is a note on the alert, and nothing when there is none', async () => {
    const acknowledge = { routing_key: 'k', event_action: 'acknowledge', dedup_key: 'oven', client: 'Zabbix' };
    expect(await door.send(acknowledge)).toMatchObject({ status: 'success', dedup_key: 'oven', ids: [] });
    door.named = { alert_id: 'a', status: 'firing' };
    await door.send(acknowledge);
    expect([door.published, door.notes]).toEqual([[], [['svc', 'bakery', 'a', 'Acknowledged in Zabbix.', null]]]);
    expect(await door.refusal(acknowledge, { tenant: 'foreign' })).toMatchObject({ code: 'tenant_forbidden' });
  });
});

describe.each<[string, Parameters<typeof MessageGroup.of>[4], (details: object) => object]>([
  [
    'PagerDuty',
    readPagerDutyEvent,
    (custom_details) => page({ payload: { summary: 's', source: 'h', severity: 'error', custom_details } }),
  ],
  ['Opsgenie', readOpsgenieAlert, (details) => ({ message: 's', details })],
])('a client of %s at the address of its own', (_, read, event) => {
  it('is told the key with which its alert is published', async () => {
    const { messages } = await door.sendAsPeer(event({}), read);
    expect(asPublished(door.published[0]!).dedup_key).toBe(messages[0]!.dedup_key);
    expect(messages[0]!.dedup_key).toBe(messages[0]!.id);
  });

  it('is refused what is too large as it is published: 202 would end in a dead letter', async () => {
    await expect(door.sendAsPeer(event({ n: Array.from({ length: 4_000 }, () => 1e20) }), read)).rejects.toMatchObject({
      code: 'message_too_large',
    });
    await door.sendAsPeer(event({ text: 'x'.repeat(70_000) }), read);
    expect(door.published.map((message) => publishedForm(message).length <= 65_536)).toEqual([true]);
  });
});

it('a list of ours is published as a whole or not at all', async () => {
  const message = (tenant_id: string) => ({ tenant_id, service: 's', severity: 'low' });
  expect(await door.refusal([message('bakery'), message('foreign')])).toMatchObject({
    code: 'tenant_forbidden',
    details: { errors: [{ pointer: '/1/tenant_id' }] },
  });
  expect([door.published, door.letters]).toEqual([[], []]);
});
