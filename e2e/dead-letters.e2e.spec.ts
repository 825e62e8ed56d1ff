import { eventually } from '@tocsin/contracts/testing';
import { ask, type Answer } from './kit/http';
import { Processes } from './kit/processes';
import { Stack } from './kit/stack';
import { JWT_SECRET, tokenFor } from './kit/tokens';

interface Letter {
  dead_letter_id: number;
  tenant_id: string | null;
  reason: string;
  status: string;
}

const manager = () => tokenFor('ana', { scope: 'dead_letters:manage' });
const operator = () => tokenFor('ops', { scope: 'dead_letters:operate' });
const alert = (id: string, more: object = {}) => ({
  id,
  tenant_id: 'bakery',
  service: 'inventory',
  severity: 'low',
  title: 'Flour',
  ...more,
});

describe('a dead letter', () => {
  let stack: Stack;
  beforeAll(async () => (stack = await Stack.open({ tenants: { ana: ['bakery'], eve: ['cafe'] } })));
  afterAll(() => stack?.close());

  const call = (token: string, path = '', method = 'GET', body?: object): Promise<Answer> =>
    ask(stack.gateway.url, `/api/v1/dead-letters${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  const list = async (token: string, query = ''): Promise<Letter[]> =>
    (await call(token, query)).json.items as Letter[];
  const cli = (...args: string[]) =>
    stack.processes.run('cli', { JWT_SECRET, TOCSIN_URL: stack.gateway.url }, ['dead-letters', ...args]);
  const stored = async () => (await stack.rows()).map(({ event_id }) => event_id);

  it('of a message that breaks a limit is listed, shown to its tenant alone, and lands here again when it is redriven', async () => {
    const poison = JSON.stringify(alert('poison', { title: 'x'.repeat(301) }));
    await stack.amqp.publish('alert.low.inventory', poison);
    const [letter] = await eventually(async () => {
      const letters = await list(manager());
      expect(letters).toHaveLength(1);
      return letters as [Letter];
    });
    expect(letter).toMatchObject({ tenant_id: 'bakery', reason: 'invalid_field', status: 'open' });
    expect((await call(manager(), `/${letter.dead_letter_id}`)).json).toMatchObject({
      body: poison,
      body_encoding: 'utf8',
    });
    const eve = tokenFor('eve', { scope: 'dead_letters:manage' });
    expect([await list(eve), (await call(eve, `/${letter.dead_letter_id}`)).status]).toEqual([[], 404]);

    expect((await call(manager(), '/redrive', 'POST')).json).toMatchObject({
      settled: 1,
      left: 0,
      up_to: letter.dead_letter_id,
    });
    const [again] = await eventually(async () => {
      const letters = await list(manager());
      expect(letters).toHaveLength(1);
      return letters as [Letter];
    });
    expect(again.dead_letter_id).toBeGreaterThan(letter.dead_letter_id);
    expect(again).toMatchObject({ reason: 'invalid_field', status: 'open' });
    expect(
      (await call(manager(), `/${again.dead_letter_id}/discard`, 'POST', { note: 'its producer is mended' })).json,
    ).toMatchObject({ status: 'discarded', decided_by: 'ana' });
    expect(await stored()).toEqual([]);
  });

  it('of a message that could not be stored is stored once after the cause is gone, redriven twice and from a terminal', async () => {
    await stack.sql(
      `create function tocsin.refuse_it() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = 'data_exception'; end $$`,
    );
    await stack.sql(
      `create trigger refuse_it before insert on tocsin.event for each row when (new.event_id = 'unstorable') execute function tocsin.refuse_it()`,
    );
    await stack.amqp.publish('alert.low.inventory', alert('unstorable'));
    await stack.amqp.publish('alert.low.inventory', alert('fine'));
    const [letter] = await eventually(async () => {
      const letters = await list(operator(), '?reason=store_failed');
      expect(letters).toHaveLength(1);
      return letters as [Letter];
    });
    await stack.sql('drop trigger refuse_it on tocsin.event');
    await stack.sql('drop function tocsin.refuse_it()');

    const redriven = await cli('redrive', '--all', '--reason', 'store_failed');
    expect([redriven.code, redriven.stdout, redriven.stderr]).toEqual([0, '1 redriven, 0 left\n', '']);
    await eventually(async () => expect(await stored()).toEqual(['fine', 'unstorable']));

    // the state after a crash between the confirmation and the mark
    await stack.sql(
      `update tocsin.dead_letter set status = 'open', decided_at = null where dead_letter_id = ${letter.dead_letter_id}`,
    );
    expect((await cli('redrive', String(letter.dead_letter_id))).code).toBe(0);
    await stack.amqp.publish('alert.low.inventory', alert('last'));
    await eventually(async () => expect(await stored()).toContain('last'));
    expect(await stored()).toEqual(['fine', 'unstorable', 'last']);
    expect(await list(operator())).toEqual([]);
  });

  it('that names no tenant is for operators alone; one whose message names no id is one message however often it is redriven', async () => {
    await stack.amqp.publish('any.key', 'not JSON');
    await stack.sql(
      `insert into tocsin.dead_letter (tenant_id, reason, detail, body, routing_key) values ('bakery', 'store_failed', '', $1, 'alert.low.inventory')`,
      [Buffer.from(JSON.stringify({ tenant_id: 'bakery', title: 'without an id' }))],
    );
    const [nameless] = await eventually(async () => {
      const letters = (await list(operator())).filter(({ tenant_id }) => tenant_id === null);
      expect(letters).toHaveLength(1);
      return letters as [Letter];
    });
    expect(nameless.reason).toBe('invalid_json');
    const [mine] = (await list(manager())) as [Letter];
    for (let i = 0; i < 2; i += 1) {
      expect((await call(manager(), `/${mine.dead_letter_id}/redrive`, 'POST')).status).toBe(200);
      await stack.sql(
        `update tocsin.dead_letter set status = 'open', decided_at = null where dead_letter_id = ${mine.dead_letter_id}`,
      );
    }
    await eventually(async () => expect(await stored()).toContain(`dead-letter-${mine.dead_letter_id}`));
    await eventually(async () => expect(await stack.amqp.depth()).toBe(0));
    expect((await stored()).filter((id) => id.startsWith('dead-letter-'))).toHaveLength(1);

    const fresh = await stack.startGateway();
    await eventually(async () => expect(await fresh.metric('tocsin_dead_letters')).toBe(2));
    expect(await fresh.metric('tocsin_dead_letter_oldest_age_seconds')).toBeGreaterThan(0);
  });
});

it('the standalone keeps dead letters too: an id that belongs to another message stays one, and is discarded', async () => {
  const processes = new Processes();
  try {
    const standalone = await processes.start('standalone', {
      PORT: '0',
      ADMIN_PORT: '0',
      DATA_DIR: 'data',
      LOG_LEVEL: 'info',
      DRAIN_MS: '100',
      JWT_SECRET,
      JWT_TENANTS_CLAIM: 'tenants',
    });
    const call = (method: string, path: string, scope: string, body?: object) =>
      ask(standalone.url, `/api/v1/${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${tokenFor('ana', { scope, tenants: ['bakery'] })}`,
          'Content-Type': 'application/json',
        },
        ...(body && { body: JSON.stringify(body) }),
      });
    const open = async () => (await call('GET', 'dead-letters', 'dead_letters:manage')).json.items as Letter[];
    for (const title of ['one', 'another'])
      expect((await call('POST', 'events', 'events:publish', alert('same', { title }))).status).toBe(202);
    const [letter] = await eventually(async () => {
      const letters = await open();
      expect(letters).toHaveLength(1);
      return letters as [Letter];
    });
    expect(letter.reason).toBe('id_conflict');
    expect((await call('POST', `dead-letters/${letter.dead_letter_id}/redrive`, 'dead_letters:manage')).status).toBe(
      200,
    );
    const again = await eventually(async () => {
      const letters = await open();
      expect(letters.map(({ dead_letter_id }) => dead_letter_id)).not.toEqual([]);
      return letters;
    });
    expect(again).toEqual([expect.objectContaining({ reason: 'id_conflict' })]);
    expect(
      (await call('POST', 'dead-letters/discard', 'dead_letters:manage', { note: 'a mistake' })).json,
    ).toMatchObject({ settled: 1, left: 0 });
    expect(await open()).toEqual([]);
  } finally {
    await processes.close();
  }
}, 120_000);
