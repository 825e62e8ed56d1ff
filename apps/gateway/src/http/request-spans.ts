import { traceContextOf, traceparentOf } from '@tocsin/contracts';
import type { Trace } from '@tocsin/observability';
import type { NextFunction, Request, Response } from 'express';

/**
 * A span for each REST request that the sampler wants, named after its route. What the request causes continues it: its
 * `traceparent` takes the place of the client's. Addresses are not recorded, because they may hold credentials; nor are
 * streams, which last for hours.
 */
export const requestSpans =
  (trace: Trace) =>
  (request: Request, response: Response, next: NextFunction): void => {
    const { method } = request;
    const parent = traceContextOf(request.get('traceparent'));
    const span = trace.begin(method, { kind: 'server', parent });
    // what is not recorded here is not recorded by what follows either
    const context = span?.context ?? (parent && { ...parent, sampled: false });
    if (context) request.headers['traceparent'] = traceparentOf(context);
    if (!span) return next();
    response.once('close', () => {
      if (!response.headersSent) return; // a stream, or a client that left before the answer
      const route = (request.route as { path?: unknown } | undefined)?.path;
      const { statusCode } = response;
      span.end({
        ...(typeof route === 'string' && { name: `${method} ${route}` }),
        attributes: {
          'http.request.method': method,
          'http.response.status_code': statusCode,
          ...(typeof route === 'string' && { 'http.route': route }),
        },
        failed: statusCode >= 500 ? String(statusCode) : undefined,
      });
    });
    next();
  };
