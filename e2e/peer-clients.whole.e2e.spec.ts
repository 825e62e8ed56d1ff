import { eventually } from '@tocsin/contracts/testing';
import { PeerClients, TlsFront } from './kit/peer-clients';
import { describeWith } from './kit/programs';
import { Stack } from './kit/stack';
import { publisherToken } from './kit/tokens';

jest.setTimeout(120_000);

describeWith('peer-clients', "other systems' own clients", () => {
  let stack: Stack;
  let peers: PeerClients;
  let tls: TlsFront;
  beforeAll(async () => {
    [stack, peers] = await Promise.all([Stack.open(), PeerClients.install()]);
    tls = await TlsFront.before(stack.gateway.url);
  }, 180_000);
  afterAll(async () => {
    tls?.close();
    peers?.close();
    await stack?.close();
  });

  const entries = (tenant: string) =>
    stack.sql<{ change: string }>(
      'select change, service, title, severity, note from tocsin.event where tenant_id = $1 order by seq',
      [tenant],
    );
  const until = (tenant: string, expected: object[]) =>
    eventually(async () => expect(await entries(tenant)).toMatchObject(expected));
  const key = publisherToken();

  it('pdjs triggers, repeats, acknowledges and resolves', async () => {
    const send = (action: string, data: object) =>
      peers.run<{ status: number; data: Record<string, unknown> }>(
        `const { [input.action]: send } = require('@pagerduty/pdjs'); const { response, data } = await send({ server: input.server, data: input.data }); return { status: response.status, data };`,
        { action, data, server: `${tls.host}/api/v1/pagerduty/pdjs/ovens` },
      );
    const event = {
      routing_key: key,
      dedup_key: 'oven-1',
      payload: { summary: 'Oven 1 is cold', source: 'oven-1', severity: 'critical' },
    };
    const success = { status: 202, data: { status: 'success', message: 'Event processed', dedup_key: 'oven-1' } };
    expect(await send('trigger', event)).toEqual(success);
    await until('pdjs', [{ change: 'raised', service: 'ovens', title: 'Oven 1 is cold', severity: 'urgent' }]);
    // the client's own retry of an event whose response was lost
    expect(await send('trigger', event)).toEqual(success);
    expect(await send('acknowledge', { routing_key: key, dedup_key: 'oven-1' })).toEqual(success);
    await until('pdjs', [{ change: 'raised' }, { change: 'noted' }]);
    expect(await send('resolve', { routing_key: key, dedup_key: 'oven-1' })).toEqual(success);
    await until('pdjs', [{ change: 'raised' }, { change: 'noted' }, { change: 'resolved', title: 'Oven 1 is cold' }]);

    const { status, data } = await send('trigger', { ...event, dedup_key: undefined });
    expect([status, data.status]).toEqual([202, 'success']);
    await send('resolve', { routing_key: key, dedup_key: data.dedup_key });
    await until('pdjs', [{}, {}, {}, { change: 'raised' }, { change: 'resolved' }]);

    expect(await send('resolve', { routing_key: key })).toMatchObject({
      status: 422,
      data: { status: 'invalid event', code: 'invalid_field', errors: [expect.stringContaining('/dedup_key')] },
    });
    for (const [routing_key, refusal] of [
      ['samplekeyhere', 401],
      [undefined, 401],
      [publisherToken({ scope: 'alerts:read' }), 403],
    ] as const) {
      expect(await send('trigger', { ...event, routing_key })).toMatchObject({
        status: refusal,
        data: { status: 'invalid event', errors: [expect.any(String)] },
      });
    }
  });

  it('opsgenie-sdk creates, repeats, acknowledges and closes', async () => {
    const call = (method: string, ...args: unknown[]) =>
      peers.run<{ httpStatusCode?: number; result?: string; message?: string; requestId?: string; data?: object }>(
        `const sdk = require('opsgenie-sdk'); sdk.configure({ host: input.host, api_key: input.key });
         return new Promise((done) => sdk.alertV2[input.method](...input.args, (error, answer) => done(error ?? answer)));`,
        { method, args, host: `${stack.gateway.url}/api/v1/opsgenie/genie`, key },
      );
    const alert = {
      message: 'Oven 1 is cold',
      alias: 'oven 1',
      priority: 'P1',
      description: 'It is at 41 °C.',
      details: { site: 'north' },
      tags: ['kitchen'],
    };
    const created = await call('create', alert);
    expect(created).toMatchObject({ result: 'Request will be processed' });
    await until('genie', [{ change: 'raised', service: 'opsgenie', title: 'Oven 1 is cold', severity: 'urgent' }]);
    expect(await call('create', alert)).toMatchObject({ result: 'Request will be processed' });
    expect(await call('getRequestStatus', created.requestId)).toMatchObject({
      data: { success: true, alias: 'oven 1' },
    });
    const named = { identifier: encodeURIComponent('oven 1'), identifierType: 'alias' };
    expect(await call('acknowledge', named, { user: 'ana', note: 'on my way' })).toMatchObject({
      result: 'Request will be processed',
    });
    await until('genie', [
      { change: 'raised' },
      { change: 'noted', note: 'Acknowledged in the system that sent the alert (ana): on my way' },
    ]);
    expect(await call('close', named, {})).toMatchObject({ result: 'Request will be processed' });
    await until('genie', [{ change: 'raised' }, { change: 'noted' }, { change: 'resolved' }]);
    expect(JSON.stringify(await stack.sql('select * from tocsin.event where tenant_id = $1', ['genie']))).not.toContain(
      key,
    );
    expect(await call('create', { alias: 'no message' })).toMatchObject({
      message: expect.stringContaining('message') as string,
    });
  });

  it('cloudevents sends both modes', async () => {
    const statuses = await peers.run<number[]>(
      `const { CloudEvent, HTTP } = require('cloudevents');
       const event = new CloudEvent({ id: 'e-1', source: '/services/ovens', type: 'oven.cold', tenantid: 'events', severity: 'high', data: { message: 'It is cold' } });
       const send = async ({ headers, body }) => (await fetch(input.url, { method: 'POST', headers: { ...headers, authorization: 'Bearer ' + input.key }, body })).status;
       return [await send(HTTP.structured(event)), await send(HTTP.binary(event.cloneWith({ id: 'e-2' })))];`,
      { url: `${stack.gateway.url}/api/v1/events`, key },
    );
    expect(statuses).toEqual([202, 202]);
    await until('events', [
      { change: 'raised', service: 'ovens' },
      { change: 'raised', service: 'ovens' },
    ]);
  });
});
