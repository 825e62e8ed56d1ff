import { eventually } from '@tocsin/contracts/testing';
import { runCli } from './run-cli';
import { PlayedGateway, respond } from './testing/played-gateway';
import { PlayedTerminal } from './testing/played-terminal';

const SECRET = 'a secret of the test, long enough for HS256';

let gateway: PlayedGateway;
let terminal: PlayedTerminal;
beforeEach(async () => {
  gateway = await PlayedGateway.open();
  terminal = new PlayedTerminal({ JWT_SECRET: SECRET, TOCSIN_URL: gateway.url });
});
afterEach(() => gateway.goAway());

const demo = (...args: string[]) => runCli(['demo', '--seed', '1', ...args], terminal);
const ids = () => gateway.accepted.map(({ id }) => id);
const said = (pattern: RegExp) =>
  eventually(() => expect(terminal.stdout).toContainEqual(expect.stringMatching(pattern)));

test('it prints a line for each alert: time, severity, tenant, service, title', async () => {
  expect(await demo('--rate', '1000', '--count', '12')).toBe(0);
  const [head, ...lines] = terminal.stdout;
  expect(head).toBe(
    `A day at north-bakery and harbour-cafe · about 1000 a second · ${gateway.url} · seed 1 · Ctrl+C stops`,
  );
  expect(lines.pop()).toBe('12 published, 0 of them tried again, 0 lost.');
  expect(lines).toHaveLength(12);
  for (const [at, { tenant_id, service, title }] of gateway.accepted.entries()) {
    expect(lines[at]).toMatch(
      /^\d\d:\d\d:\d\d {2}(urgent|high|medium|low|resolved) +(north-bakery|harbour-cafe) +[a-z-]+ +\S/,
    );
    expect(lines[at]).toContain(tenant_id);
    expect(lines[at]).toContain(service);
    expect(lines[at]!.endsWith(title)).toBe(true);
  }
});

test('--once ends with the day, for the tenants that are named', async () => {
  expect(await demo('--rate', '1000', '--once', '--tenant', 'mine')).toBe(0);
  expect(gateway.accepted.length).toBeGreaterThan(70);
  expect(new Set(gateway.accepted.map(({ tenant_id }) => tenant_id))).toEqual(new Set(['mine']));
});

test('Ctrl+C ends it with a summary and exit 0', async () => {
  const running = demo('--rate', '100');
  await eventually(() => expect(gateway.accepted.length).toBeGreaterThan(5));
  terminal.pressCtrlC();
  expect(await running).toBe(0);
  expect(terminal.stdout.at(-1)).toBe(`${gateway.accepted.length} published, 0 of them tried again, 0 lost.`);
});

test('while the server is away it waits, and what it kept is published under the same ids, each once', async () => {
  const running = demo('--rate', '100', '--count', '80');
  await eventually(() => expect(gateway.accepted.length).toBeGreaterThan(5));
  await gateway.goAway();
  await said(/^… waiting for the server, 0 lost\. /);
  await gateway.comeBack();
  expect(await running).toBe(0);
  expect(terminal.stdout).toContainEqual(expect.stringMatching(/^… the server is back after \d+ s, 0 lost$/));
  expect(terminal.stdout.at(-1)).toMatch(/^80 published, [1-9]\d* of them tried again, 0 lost\.$/);
  const order = ids().map((id) => Number(id.split('-').at(-1)));
  // a message whose response was lost is sent again: that is safe, because the id is the same
  expect([...new Set(order)].sort((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, at) => at + 1));
});

test('a message whose answer was lost is sent again unchanged', async () => {
  gateway.next.push((_, response) => response.destroy());
  expect(await demo('--rate', '100', '--count', '1')).toBe(0);
  const [first, second] = gateway.requests;
  expect(second!.messages).toEqual(first!.messages);
  expect(terminal.stdout.at(-1)).toBe('1 published, 1 of them tried again, 0 lost.');
});

test('of a batch that was confirmed in part only the rest is sent again', async () => {
  gateway.next.push(
    (_, response) => response.destroy(),
    ({ messages }, response) =>
      respond(response, 503, {
        type: 'about:blank',
        title: 'Not every message was confirmed',
        status: 503,
        code: 'publish_failed',
        confirmed: messages.slice(0, 2).map(({ id }) => id),
      }),
  );
  expect(await demo('--rate', '1000', '--count', '10')).toBe(0);
  const [, inPart, rest] = gateway.requests;
  expect(inPart!.messages.length).toBeGreaterThan(2);
  expect(rest!.messages.slice(0, inPart!.messages.length - 2)).toEqual(inPart!.messages.slice(2));
  expect(rest!.messages.map(({ id }) => id)).not.toContain(inPart!.messages[0]!.id);
  expect(terminal.stdout.at(-1)).toMatch(/^10 published, /);
});

test('Ctrl+C while the server is away says what was not confirmed', async () => {
  await gateway.goAway();
  const running = demo('--rate', '100');
  await said(
    /^… waiting for the server, 0 lost\. Nothing answers at http:\/\/127\.0\.0\.1:\d+\. Is it running\? npm start$/,
  );
  terminal.pressCtrlC();
  expect(await running).toBe(0);
  expect(terminal.stdout.at(-1)).toMatch(/^0 published, 0 of them tried again, 0 lost, [1-9]\d* not confirmed\.$/);
});

test('a server that silently keeps a request does not keep Ctrl+C waiting', async () => {
  gateway.next.push(() => undefined);
  const running = demo('--rate', '100');
  await eventually(() => expect(gateway.requests).toHaveLength(1));
  const pressedAt = performance.now();
  terminal.pressCtrlC();
  expect(await running).toBe(0);
  expect(performance.now() - pressedAt).toBeLessThan(5_000);
});

test('a server that refuses ends it, with its reason: exit 1', async () => {
  const problem = {
    type: 'about:blank',
    title: 'The token does not allow this',
    status: 403,
    code: 'insufficient_scope',
  };
  gateway.next.push((_, response) => respond(response, 403, problem));
  expect(await demo('--rate', '100')).toBe(1);
  expect(terminal.stderr).toEqual([
    'The token does not allow this (403 insufficient_scope).',
    'The token was signed with JWT_SECRET.',
  ]);
});
