import { STREAM_EVENTS } from '@tocsin/contracts';
import { topologyOf, URGENT_PATTERN } from '@tocsin/rabbitmq';
import { asyncApi } from './asyncapi';
import { eventsHtml } from './html';
import { validatorOf } from './testing/validator';

const document = asyncApi('1.2.3');

/** All references anywhere in the value. */
function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => (name === '$ref' ? [String(child)] : references(child)));
}
const at = (reference: string): unknown =>
  reference
    .slice(2)
    .split('/')
    .reduce<unknown>((node, name) => (node as Record<string, unknown> | undefined)?.[name], document);

describe('the AsyncAPI document', () => {
  it('names the exchange and the lane that the adapter declares', () => {
    const { exchange } = topologyOf();
    expect(document.channels.alerts).toMatchObject({
      title: `The exchange ${exchange}`,
      description: expect.stringContaining(URGENT_PATTERN) as string,
      bindings: { amqp: { exchange: { name: exchange } } },
    });
  });

  it('has a target for every reference', () => {
    const all = references(document);
    expect(all.length).toBeGreaterThan(20);
    expect(all.filter((reference) => !reference.startsWith('#/') || at(reference) === undefined)).toEqual([]);
  });

  it('has what AsyncAPI 3.0 asks for: servers of each channel, operations with messages of their own channel, parameters of each address', () => {
    expect(document).toMatchObject({ asyncapi: '3.0.0', info: { title: 'Tocsin', version: '1.2.3' } });
    for (const { host, protocol } of Object.values(document.servers))
      expect([host, protocol]).toEqual([expect.stringMatching(/^[\w.]+:\d+$/), expect.stringMatching(/^(amqp|http)$/)]);
    for (const { address, parameters = {}, servers } of Object.values(document.channels)) {
      expect(Object.keys(parameters).map((name) => `{${name}}`)).toEqual(address.match(/\{\w+\}/g) ?? []);
      expect(servers.every(({ $ref }) => $ref.startsWith('#/servers/'))).toBe(true);
    }
    for (const { action, channel, messages } of Object.values(document.operations)) {
      expect(['send', 'receive']).toContain(action);
      expect(messages.every(({ $ref }) => $ref.startsWith(`${channel.$ref}/messages/`))).toBe(true);
    }
    for (const [name, message] of Object.entries(document.components.messages))
      expect(message).toMatchObject({ name, contentType: 'application/json' });
  });

  it('has a message for every event of a stream, and schemas that a strict validator takes', () => {
    expect(Object.keys(document.channels.stream!.messages)).toEqual([...STREAM_EVENTS]);
    const compile = validatorOf(document);
    for (const schema of Object.values(document.components.schemas)) expect(() => compile(schema)).not.toThrow();
  });

  it('is shown to people whole, with links that lead somewhere', () => {
    const html = eventsHtml(document);
    for (const name of [...STREAM_EVENTS, ...Object.keys(document.components.schemas)]) expect(html).toContain(name);
    expect(html).not.toContain('href="#"');
    const ids = new Set([...html.matchAll(/ id="(\w+)"/g)].map(([, id]) => id));
    expect([...html.matchAll(/href="#(\w+)"/g)].map(([, id]) => id).filter((id) => !ids.has(id))).toEqual([]);
  });
});
