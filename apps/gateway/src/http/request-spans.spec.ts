import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';
import { SpansInMemory } from '@tocsin/observability/testing';
import { requestSpans } from './request-spans';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT = 'b7ad6b7169203331';

describe('the span of a request', () => {
  let spans: SpansInMemory;
  beforeEach(() => void (spans = new SpansInMemory()));

  /** A request that goes through, and how it ends. */
  function ask(traceparent: string | undefined, end: { status: number; headersSent?: boolean; route?: string }) {
    const headers: Record<string, string> = traceparent === undefined ? {} : { traceparent };
    const request = { method: 'POST', headers, get: (name: string) => headers[name] } as unknown as Request;
    const response = Object.assign(new EventEmitter(), {
      statusCode: end.status,
      headersSent: end.headersSent ?? true,
    });
    let passedOn: string | undefined;
    requestSpans(spans)(request, response as unknown as Response, () => void (passedOn = headers['traceparent']));
    if (end.route) Object.assign(request, { route: { path: end.route } });
    response.emit('close');
    return passedOn;
  }

  it('continues the client, has the name of the route, and takes the place of the client for what follows', () => {
    const passedOn = ask(`00-${TRACE}-${CLIENT}-01`, { status: 202, route: '/api/v1/events' });
    expect(spans.ended).toMatchObject([
      {
        name: 'POST /api/v1/events',
        kind: 'server',
        parent: CLIENT,
        attributes: { 'http.request.method': 'POST', 'http.route': '/api/v1/events', 'http.response.status_code': 202 },
        failed: undefined,
      },
    ]);
    expect(passedOn).toBe(`00-${TRACE}-${spans.ended[0]!.context.span_id}-01`);
  });

  it('does not exist where the sampler does not want it, and then what follows is not sampled either', () => {
    const traceparent = `00-${TRACE}-${CLIENT}-00`;
    expect(ask(traceparent, { status: 200 })).toBe(traceparent);
    spans.begin = () => undefined;
    expect(ask(`00-${TRACE}-${CLIENT}-01`, { status: 200 })).toBe(traceparent);
    expect(ask(undefined, { status: 200 })).toBeUndefined();
    expect(spans.ended).toEqual([]);
  });

  it('has failed when the gateway has, and not when the client has', () => {
    for (const status of [400, 503]) ask(undefined, { status, route: '/api/v1/alerts' });
    expect(spans.ended.map(({ failed }) => failed)).toEqual([undefined, '503']);
  });

  it('is not recorded where another writes the head, as for a stream, and has no route where there is none', () => {
    ask(undefined, { status: 200, headersSent: false, route: '/api/events' });
    ask(undefined, { status: 404 });
    expect(spans.ended.map(({ name }) => name)).toEqual(['POST']);
  });
});
