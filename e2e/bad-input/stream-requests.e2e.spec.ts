import { connect } from 'node:net';
import { ask } from '../kit/http';
import type { AppProcess } from '../kit/processes';
import { SseStream } from '../kit/sse-client';
import type { Stack } from '../kit/stack';
import { AskedWrongly, bearer, expectProblem, message, token } from './asked-wrongly';

describe('bad input', () => {
  let asked: AskedWrongly;
  let stack: Stack;
  let gateway: AppProcess;
  let answerTo: AskedWrongly['answerTo'];
  let refusal: AskedWrongly['refusal'];
  let listening: AskedWrongly['listening'];
  /** The response to a client that sends headers without end. It gets ten seconds, while the rest of this file runs. */
  let toSlowHeaders: Promise<string>;

  beforeAll(async () => {
    asked = await AskedWrongly.open();
    ({ stack, gateway, answerTo, refusal, listening } = asked);
    toSlowHeaders = answerToSlowHeaders(gateway.url);
  });
  afterAll(() => asked?.close());

  describe('about tenants', () => {
    it('no tenant at all is 403 no_tenant, for a user with an empty list and for an unknown user', async () => {
      for (const sub of ['nobody', 'unknown'])
        expectProblem(await refusal('', bearer(token({ sub }))), 403, 'no_tenant');
    });

    it("another's and one that does not exist are the same 403", async () => {
      const [foreign, missing] = [
        await refusal('?tenant=tenant-1', bearer(token())),
        await refusal('?tenant=no-such', bearer(token())),
      ];
      expectProblem(foreign, 403, 'tenant_forbidden');
      expect({ ...foreign.json, instance: '' }).toEqual({ ...missing.json, instance: '' });
      expectProblem(await refusal('?tenant=bakery,tenant-1', bearer(token())), 403, 'tenant_forbidden');
      expectProblem(await refusal('?tenant_id=tenant-1', bearer(token())), 403, 'tenant_forbidden');
    });

    it('more than 32 are 400 too_many_tenants, and ?tenant= narrows them', async () => {
      expectProblem(await refusal('', bearer(token({ sub: 'many' }))), 400, 'too_many_tenants');
      const stream = await SseStream.open(stack.eventsUrl(), {
        headers: bearer(token({ sub: 'many' })),
        query: { tenant: 'tenant-1,tenant-2' },
      });
      expect(JSON.parse((await stream.frame('connection')).data)).toMatchObject({
        tenants: [{ tenant_id: 'tenant-1' }, { tenant_id: 'tenant-2' }],
      });
      stream.close();
    });

    it('when the tenant service is away, a browser is told in a stream to come back, and others by 503', async () => {
      stack.tenantService.away = true;
      try {
        const stream = await SseStream.open(stack.eventsUrl(), {
          headers: bearer(token({ sub: 'late' })),
          cursor: 'e1-5-abcdefgh',
        });
        await stream.ended;
        expect({
          status: stream.status,
          type: stream.headers['content-type'],
          reason: stream.headers['tocsin-refused'],
        }).toEqual({
          status: 200,
          type: expect.stringMatching(/^text\/event-stream/) as string,
          reason: 'tenant_service_unavailable',
        });
        const [close] = stream.frames;
        expect(JSON.parse(close!.data)).toMatchObject({ reason: 'tenant_service_unavailable', action: 'reconnect' });
        expect(close).toMatchObject({ event: 'close', id: 'e1-5-abcdefgh', retryMs: expect.any(Number) as number });

        const answer = await refusal('', { Accept: '*/*', ...bearer(token({ sub: 'later' })) });
        expectProblem(answer, 503, 'tenant_service_unavailable');
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      } finally {
        stack.tenantService.away = false;
      }
    });

    it('a tenant service that does not answer is given up after 600 ms', async () => {
      stack.tenantService.delayMs = 3_000;
      try {
        const startedAt = performance.now();
        expectProblem(
          await refusal('', { Accept: '*/*', ...bearer(token({ sub: 'slow' })) }),
          503,
          'tenant_service_unavailable',
        );
        expect(performance.now() - startedAt).toBeLessThan(2_000);
      } finally {
        stack.tenantService.delayMs = 0;
      }
    });

    it.each([
      [200, '<html>'],
      [200, '{"tenants":"bakery"}'],
      [500, '{"tenants":[{"id":"bakery"}]}'],
      [302, ''],
    ])('a tenant service that answers %i %j is away, and not obeyed', async (status, body) => {
      stack.tenantService.answersWith = { status, body };
      try {
        expectProblem(
          await refusal('', { Accept: '*/*', ...bearer(token({ sub: `odd-${status}-${body.length}` })) }),
          503,
          'tenant_service_unavailable',
        );
      } finally {
        stack.tenantService.answersWith = undefined;
      }
    });
  });

  describe('about rights', () => {
    const publish = (value: string) =>
      answerTo('/api/v1/events', {
        method: 'POST',
        headers: { ...bearer(value), 'Content-Type': 'application/json' },
        body: JSON.stringify(message()),
      });

    it.each([
      ['neither', 'alerts:write', false, false],
      ['to listen', 'alerts:read', true, false],
      ['to publish', 'events:publish', false, true],
      ['to both', 'alerts:read events:publish', true, true],
    ])('a right %s is that and no more', async (_, scope, mayListen, mayPublish) => {
      const value = token({ scope });
      const published = await publish(value);
      const ticket = await answerTo('/api/events/ticket', { method: 'POST', headers: bearer(value) });
      if (mayListen) {
        (await listening({ headers: bearer(value) })).close();
        expect(ticket.status).toBe(201);
      } else {
        const answer = await refusal('', bearer(value));
        expectProblem(answer, 403, 'insufficient_scope');
        expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"');
        expectProblem(ticket, 403, 'insufficient_scope');
      }
      if (mayPublish) expect(published.status).toBe(202);
      else expectProblem(published, 403, 'insufficient_scope');
    });

    it('a token without scopes is a person’s, who may listen but not publish', async () => {
      (await listening()).close();
      expectProblem(await publish(token()), 403, 'insufficient_scope');
    });
  });

  describe('in the rest of a request for a stream', () => {
    it.each(['application/json', 'text/html;q=0.9, application/xml', 'image/*'])('Accept %j is 406', async (Accept) => {
      expectProblem(await refusal('', { Accept, ...bearer(token()) }), 406, 'not_acceptable');
    });

    it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s is 405 and names what is allowed', async (method) => {
      const answer = await answerTo('/api/events', { method, headers: bearer(token()) });
      expectProblem(answer, 405, 'method_not_allowed');
      expect(answer.headers.allow).toBe('GET, HEAD');
    });

    it('HEAD is 200 without a stream', async () => {
      const answer = await answerTo('/api/events', { method: 'HEAD', headers: bearer(token()) });
      expect({ status: answer.status, text: answer.text, type: answer.headers['content-type'] }).toEqual({
        status: 200,
        text: '',
        type: expect.stringMatching(/^text\/event-stream/) as string,
      });
    });

    it.each([
      ['severity=loud', 'severity'],
      ['severity=urgent,loud', 'severity'],
      ['type=alarm', 'type'],
      ['since=501', 'since'],
      ['since=yesterday', 'since'],
      ['since=-1', 'since'],
      ['since=2026-13-45', 'since'],
    ])('?%s is 400 invalid_parameter, and names the parameter', async (query, parameter) => {
      const answer = await refusal(`?${query}`, bearer(token()));
      expectProblem(answer, 400, 'invalid_parameter');
      expect(answer.json.errors).toEqual([expect.objectContaining({ parameter, code: 'invalid_parameter' })]);
    });

    it('unknown parameters are ignored: a 400 would end an EventSource for good', async () => {
      (await listening({ query: { colour: 'red', _: '1' } })).close();
    });

    const cursors: [string, string, string][] = [
      ['malformed', 'not a cursor', 'malformed_cursor'],
      ['a plain number', '42', 'malformed_cursor'],
      ["another service's", '00000000-0000-4000-8000-000000000000', 'malformed_cursor'],
      ['longer than any of ours', 'x'.repeat(5_000), 'malformed_cursor'],
      ["another tenant's", 'tenant-1=abc-1-abcdefgh', 'foreign_cursor'],
      ['of another history', 'abc-1-abcdefgh', 'history_replaced'],
    ];
    it.each(cursors.flatMap((row) => [[...row, 'header'] as const, [...row, 'query'] as const]))(
      'a cursor that is %s is no error but a gap',
      async (_, cursor, reason, cursorBy) => {
        const stream = await listening({ cursor, cursorBy });
        expect(JSON.parse(stream.frames[0]!.data)).toMatchObject({
          verdict: 'gap',
          tenants: [{ tenant_id: 'bakery', verdict: 'gap', reason }],
        });
        expect(stream.faults).toEqual([]);
        stream.close();
      },
    );

    it('a cursor from the future is a gap, and the stream goes on live', async () => {
      const present = await listening();
      const [epoch, seq] = present.cursor.split('-');
      const stream = await listening({ cursor: `${epoch}-${Number(seq) + 1_000}-abcdefgh` });
      expect(JSON.parse(stream.frames[0]!.data)).toMatchObject({
        verdict: 'gap',
        tenants: [{ reason: 'history_replaced' }],
      });
      expect(stream.cursor).toBe(present.cursor);
      const { id, ...rest } = message();
      await stack.amqp.publish('alert.low.inventory', { id, ...rest });
      await Promise.all([stream.entry(id), present.entry(id)]);
      stream.close();
      present.close();
    });

    it('an origin that is not listed gets no CORS header, and a listed one gets its own', async () => {
      const [foreign, listed] = [
        await refusal('', { Origin: 'https://evil.example.test' }),
        await refusal('', { Origin: 'https://app.example.test' }),
      ];
      expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
      expect(foreign.headers.vary).toContain('Origin');
      expect(listed.headers['access-control-allow-origin']).toBe('https://app.example.test');
    });
  });

  describe('in an address', () => {
    it.each([
      '/api',
      '/api/v1',
      '/api/events/',
      '/api/events/x',
      '/admin',
      '/metrics',
      '/health',
      '/api/../../etc/passwd',
      '/api/events/%2e%2e/%2e%2e/etc/passwd',
      '/api/%c0%af',
      '//evil.example.test/',
    ])('%s is a 404 problem, or the stream asking who is there', async (path) => {
      const answer = await answerTo(path);
      // a trailing slash is the same route for Express
      if (path === '/api/events/') expectProblem(answer, 401, 'missing_credentials');
      else expect([400, 404]).toContain(answer.status);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    });

    it('headers of more than 16 KiB are 431, and the gateway lives on', async () => {
      expect((await ask(gateway.url, '/api/events', { headers: { 'X-Long': 'x'.repeat(20_000) } })).status).toBe(431);
      expectProblem(await refusal(''), 401, 'missing_credentials');
    });
  });

  it('slow headers are cut off', async () => {
    expect(await toSlowHeaders).toMatch(/^(HTTP\/1\.1 408|$)/);
  }, 20_000);

  it('no answer and no log tells of what is inside: no stack, no SQL, no address, no secret', () => {
    asked.expectNothingTold(40);
  });
});

/** Sends a header every second, and resolves to the response when the server closes the connection. */
async function answerToSlowHeaders(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write('GET /api/events HTTP/1.1\r\nHost: x\r\n');
  const dripping = setInterval(() => socket.writable && socket.write('X-Slow: 1\r\n'), 1_000);
  await new Promise((resolve) => socket.once('close', resolve)).finally(() => clearInterval(dripping));
  return received;
}
