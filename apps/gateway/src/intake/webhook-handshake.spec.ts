import express from 'express';
import { once } from 'node:events';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { webhookHandshake } from './webhook-handshake';

describe('a webhook that asks whether it may deliver', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function ask(origins: string[], headers: Record<string, string>, method = 'OPTIONS') {
    const app = express();
    app.use('/api/v1/events', webhookHandshake(origins));
    app.use((_request, response) => void response.status(204).end());
    server = app.listen(0);
    await once(server, 'listening');
    const asked = request({
      port: (server.address() as AddressInfo).port,
      path: '/api/v1/events',
      method,
      headers,
      agent: false,
    }).end();
    const [answer] = (await once(asked, 'response')) as [import('node:http').IncomingMessage];
    answer.resume();
    const { allow, 'webhook-allowed-origin': origin, 'webhook-allowed-rate': rate } = answer.headers;
    return { status: answer.statusCode, allow, origin, rate };
  }
  const granted = (origin: string, rate: string) => ({ status: 200, allow: 'POST', origin, rate });
  const notGranted = { status: 204, allow: undefined, origin: undefined, rate: undefined };

  it.each<[string[], Record<string, string>, string]>([
    [
      ['eventgrid.azure.net'],
      { 'WebHook-Request-Origin': 'eventgrid.azure.net', 'WebHook-Request-Rate': '120' },
      '120',
    ],
    [['a.example', 'EventGrid.azure.net'], { 'WebHook-Request-Origin': 'eventgrid.azure.net' }, '*'],
    [['*'], { 'WebHook-Request-Origin': 'eventgrid.azure.net', 'WebHook-Request-Rate': '0' }, '*'],
    [['*'], { 'WebHook-Request-Origin': 'eventgrid.azure.net', 'WebHook-Request-Rate': '1e9, 5' }, '*'],
    [
      ['*'],
      { 'WebHook-Request-Origin': 'eventgrid.azure.net', 'WebHook-Request-Callback': 'https://example.com/grant' },
      '*',
    ],
  ])('is allowed when %j are configured, at the requested rate: %j', async (origins, headers, rate) => {
    expect(await ask(origins, headers)).toEqual(granted('eventgrid.azure.net', rate));
  });

  it.each<[string, string[], Record<string, string>, string]>([
    ['none is configured', [], { 'WebHook-Request-Origin': 'eventgrid.azure.net' }, 'OPTIONS'],
    ['another is', ['a.example'], { 'WebHook-Request-Origin': 'b.example' }, 'OPTIONS'],
    ['a longer one is', ['azure.net'], { 'WebHook-Request-Origin': 'eventgrid.azure.net' }, 'OPTIONS'],
    [
      'it is plain CORS',
      ['*'],
      { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'POST' },
      'OPTIONS',
    ],
    ['it does not ask by OPTIONS', ['*'], { 'WebHook-Request-Origin': 'eventgrid.azure.net' }, 'GET'],
  ])('gets no permission when %s', async (_, origins, headers, method) => {
    expect(await ask(origins, headers, method)).toEqual(notGranted);
  });
});
