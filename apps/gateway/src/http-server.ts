import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { parse } from 'node:querystring';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request, RequestHandler } from 'express';
import type { Trace } from '@tocsin/observability';
import { RequestBodies } from './body/request-bodies';
import { GatewayConfig } from './config';
import { OpenApiDocument } from './docs/openapi.docs';
import { corsOptions } from './http/cors';
import { refuseSecondHost, setAnswerFields } from './http/http-rules';
import { keepIdleConnections } from './http/idle-connections';
import { requestSpans } from './http/request-spans';
import { RequestCheck } from './request/before-request';
import { RequestPipe } from './request/request.pipe';
import { webhookHandshake } from './intake/webhook-handshake';
import { ForwardRequests } from './proxy/forward-requests';
import { StreamDoor } from './connect/stream-door';

/** The limit for the bodies of all requests together when no setting gives one, as in tests. In bytes. */
const BODIES_BYTES = 64 * 1024 * 1024;
/**
 * How long a client may take to send its headers, and its whole request. These timeouts limit no response, and so no
 * stream, and not the time between two requests.
 */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** How often Node checks these timeouts. Its default of 30 s would be added to both. */
const TIMEOUT_CHECK_MS = 5_000;

/**
 * Sets up what the gateway's HTTP server does before any route: bodies for the routes that take one, CORS (answered
 * only here), timeouts.
 */
export function prepareHttp(
  app: NestExpressApplication,
  config: Pick<GatewayConfig, 'CORS_ORIGINS'> &
    Partial<
      Pick<GatewayConfig, 'BASE_PATH' | 'IDLE_CONNECTION_MS' | 'BODIES_BYTES' | 'WEBHOOK_ORIGINS' | 'PROXY_ROUTES'>
    >,
  trace?: Trace,
): void {
  app.disable('x-powered-by');
  app.disable('etag');
  // By default parameters beyond the first 1,000 are ignored silently.
  app.set('query parser', (text: string) => parse(text, '&', '=', { maxKeys: 0 }));
  app.useGlobalPipes(new RequestPipe());
  app.use(refuseSecondHost);
  const base = config.BASE_PATH ?? '';
  // Before the proxy, so that the other service continues the span.
  if (trace?.on) app.use(`${base}/api`, requestSpans(trace));
  const check = app.get(RequestCheck);
  // Before everything that is the gateway's own: bodies, CORS and the headers of answers are the other service's.
  if (config.PROXY_ROUTES?.length) {
    const forward = app.get(ForwardRequests);
    if (check.on) app.use(onlyFor((request) => forward.takes(request), check.middleware));
    app.use(forward.handle);
  }
  // The handshake comes before CORS, which answers every other OPTIONS request.
  app.use(`${base}/api/v1/events`, webhookHandshake(config.WEBHOOK_ORIGINS ?? []));
  app.use(new RequestBodies(config.BODIES_BYTES ?? BODIES_BYTES).prepare);
  app.enableCors(corsOptions(config.CORS_ORIGINS));
  // After CORS, which answers a browser's question itself, and lets a page of another origin read a refusal.
  if (check.on) app.use(check.middleware);
  app.use(setAnswerFields); // After CORS, so that the headers have the order in which the stream door writes them.
  const server = app.getHttpServer();
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  if (config.IDLE_CONNECTION_MS !== undefined) keepIdleConnections(server, config.IDLE_CONNECTION_MS);
  // Node reads this field when the server starts to listen. Its documentation has it only as an option of createServer,
  // which Nest calls.
  Object.assign(server, { connectionsCheckingInterval: TIMEOUT_CHECK_MS });
  // Without a listener Node asks the client for the body before the head has been checked.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    server.emit('request', request, response),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseUnread(error.code, socket));
}

const onlyFor =
  (wanted: (request: Request) => boolean, middleware: RequestHandler): RequestHandler =>
  (request, response, next) =>
    wanted(request) ? middleware(request, response, next) : next();

/**
 * Responds to bytes that are not a valid request; a request that takes too long gets no response. During a storm of
 * reconnects the delay is the gateway's own fault, and a 408 would end an EventSource for good, while a cut connection
 * makes it reconnect.
 */
function refuseUnread(code: string | undefined, socket: Socket): void {
  if (!socket.writable || code === 'ECONNRESET' || code === 'ERR_HTTP_REQUEST_TIMEOUT') return void socket.destroy();
  const status = code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
}

/**
 * The backlog of connections that wait to be accepted: when a gateway dies, thousands of clients reconnect to the
 * others at once (Node's default is 511).
 */
const BACKLOG = 4_096;

/** Opens the public port and returns its number. Rejects when the port is in use. */
export async function openHttp(app: NestExpressApplication, port: number): Promise<number> {
  await app.init();
  app.get(OpenApiDocument).describe(app);
  const server = app.getHttpServer();
  if (app.get(GatewayConfig).STREAM_DOOR) app.get(StreamDoor).standBefore(server);
  server.listen({ port, backlog: BACKLOG });
  await once(server, 'listening'); // Rejects when the server emits `error`.
  return (server.address() as AddressInfo).port;
}
