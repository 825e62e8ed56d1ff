import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { parse } from 'node:querystring';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { RequestBodies } from './body/request-bodies';
import { GatewayConfig } from './config';
import { corsOptions } from './http/cors';
import { refuseSecondHost, setAnswerFields } from './http/http-rules';
import { keepIdleConnections } from './http/idle-connections';
import { RequestPipe } from './request/request.pipe';
import { webhookHandshake } from './intake/webhook-handshake';
import { StreamDoor } from './connect/stream-door';

/** Where no setting says it, as in tests: what the bodies of all requests may take together. */
const BODIES_BYTES = 64 * 1024 * 1024;
/** How long a client may take for its headers, and for its whole request. They limit no response, and so no stream, and no time between two requests. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** How often Node looks whether a client has exceeded them. Its default of 30 s would add itself to both. */
const TIMEOUT_CHECK_MS = 5_000;

/** What the gateway's HTTP server does before any route: bodies for routes that ask, CORS (answered here and nowhere else), time limits. */
export function prepareHttp(
  app: NestExpressApplication,
  config: Pick<GatewayConfig, 'CORS_ORIGINS'> &
    Partial<Pick<GatewayConfig, 'IDLE_CONNECTION_MS' | 'BODIES_BYTES' | 'WEBHOOK_ORIGINS'>>,
): void {
  app.disable('x-powered-by');
  app.disable('etag');
  // by default parameters beyond the first 1,000 are ignored without a word
  app.set('query parser', (text: string) => parse(text, '&', '=', { maxKeys: 0 }));
  app.useGlobalPipes(new RequestPipe());
  app.use(refuseSecondHost);
  // before CORS, which answers whatever else comes by OPTIONS
  app.use('/api/v1/events', webhookHandshake(config.WEBHOOK_ORIGINS ?? []));
  app.use(new RequestBodies(config.BODIES_BYTES ?? BODIES_BYTES).prepare);
  app.enableCors(corsOptions(config.CORS_ORIGINS));
  app.use(setAnswerFields); // behind CORS: in the order in which the stream door writes them
  const server = app.getHttpServer();
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  if (config.IDLE_CONNECTION_MS !== undefined) keepIdleConnections(server, config.IDLE_CONNECTION_MS);
  // read when the server begins to listen; in Node's documents it is an option of createServer only, which Nest calls
  Object.assign(server, { connectionsCheckingInterval: TIMEOUT_CHECK_MS });
  // without a listener Node asks for the body before anybody has looked at the head
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    server.emit('request', request, response),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseUnread(error.code, socket));
}

/**
 * What is no request gets an answer; one that takes too long gets none. In a storm that is our own doing, and a 408 would end
 * an EventSource for good, where a connection that is cut brings it back.
 */
function refuseUnread(code: string | undefined, socket: Socket): void {
  if (!socket.writable || code === 'ECONNRESET' || code === 'ERR_HTTP_REQUEST_TIMEOUT') return void socket.destroy();
  const status = code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
}

/** Connections that may wait to be accepted: a gateway that dies sends thousands to its siblings at once (Node's default is 511). */
const BACKLOG = 4_096;

/** Opens the public port and returns it. Rejects when it is taken. */
export async function openHttp(app: NestExpressApplication, port: number): Promise<number> {
  await app.init();
  const server = app.getHttpServer();
  if (app.get(GatewayConfig).STREAM_DOOR) app.get(StreamDoor).standBefore(server);
  server.listen({ port, backlog: BACKLOG });
  await once(server, 'listening'); // rejects with the error event
  return (server.address() as AddressInfo).port;
}
