import { eventually } from '@tocsin/contracts/testing';
import { BuiltCopy } from './faults/built-copy';
import { PART_NOTE, todaysPart } from './faults/size';
import { callRow, outcomeOf, targetIn } from './isolation/access-calls';
import { ACCESS_MUTANTS, type Asker } from './isolation/access-mutants';
import { rowsOf } from './isolation/access-rows';
import { ApiDocument } from './kit/api-document';
import type { OpenApi } from './kit/fuzzed-calls';
import { ask } from './kit/http';
import type { AppProcess } from './kit/processes';
import { Stack } from './kit/stack';
import { nowSeconds, tokenFor } from './kit/tokens';

// What the access table holds is shown by the gateways that it must refuse: each lacks one check.

const SCOPES = 'alerts:read alerts:write events:publish access:revoke dead_letters:manage';
const PEOPLE = {
  mia: [{ id: 'bakery', role: 'owner' }],
  rita: [
    { id: 'bakery', role: 'owner' },
    { id: 'cafe', role: 'owner' },
  ],
  rob: [{ id: 'bakery', role: 'owner' }],
  vic: [{ id: 'bakery', role: 'viewer' }],
  eve: [{ id: 'diner', role: 'owner' }],
};
const tokenOf = (user: string, claims: object = {}) =>
  tokenFor(user, { scope: SCOPES, iat: nowSeconds() - 60, ...claims });
const TOKENS: Record<Asker, string> = {
  revoked_tenant: tokenOf('rita'),
  revoked_token: tokenOf('rob', { jti: 'gone' }),
  foreign: tokenOf('eve'),
  viewer: tokenOf('vic'),
  scopeless: tokenOf('mia', { scope: 'events:publish' }),
};

let stack: Stack;
let api: ApiDocument<OpenApi>;

beforeAll(async () => {
  stack = await Stack.open({ tenants: PEOPLE });
  api = await ApiDocument.read(stack.gateway.url, '/docs/openapi.json');
  for (let i = 0; i < 4; i += 1) {
    await stack.amqp.publish('alert.low.inventory', {
      tenant_id: 'bakery',
      id: `alert-${i}`,
      title: 'Secret of bakery',
    });
    await stack.amqp.publish('alert.low.inventory', { tenant_id: 'bakery', title: 'Secret of bakery '.repeat(40) });
  }
  await stack.stored(4);
  await eventually(async () => expect(await stack.sql('select 1 from tocsin.dead_letter')).toHaveLength(4), 20_000);
  for (const body of [
    { user_id: 'rita', tenant_id: 'bakery' },
    { user_id: 'rob', jti: 'gone' },
  ]) {
    const headers = { Authorization: `Bearer ${tokenOf('mia')}`, 'Content-Type': 'application/json' };
    const revoked = await ask(stack.gateway.url, '/api/v1/revocations', {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    expect(revoked.status).toBe(202);
  }
}, 60_000);
afterAll(() => stack?.close());

/** How a gateway answers the first row of an operation, and how it should. */
async function answerOf(gateway: AppProcess, operation: string, asker: Asker): Promise<{ is: string; should: string }> {
  const [row] = rowsOf(operation);
  const [path, method] = Object.entries(api.document.paths)
    .flatMap(([address, methods]) =>
      Object.entries(methods).map(([verb, { operationId }]) => [address, verb, operationId] as const),
    )
    .find(([, , id]) => id === operation)!;
  const answer = await callRow(gateway.url, row!, [path, method], TOKENS[asker], await targetIn(stack, 'bakery'));
  const should = asker === 'scopeless' ? '403 insufficient_scope' : row!.expected('service')[asker];
  return { is: outcomeOf(answer, row!), should };
}

it.each(todaysPart(ACCESS_MUTANTS))(
  `the table notices when $name${PART_NOTE}`,
  async ({ patch, asker, operation }) => {
    const whole = await answerOf(stack.gateway, operation, asker);
    expect(whole.is).toBe(whole.should);
    const copy = new BuiltCopy([patch]);
    try {
      const broken = await stack.startGateway({}, copy.program('gateway'));
      const { is, should } = await answerOf(broken, operation, asker);
      expect(is).not.toBe(should);
      await broken.stop();
    } finally {
      copy.remove();
    }
  },
  30_000,
);
