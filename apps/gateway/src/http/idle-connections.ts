import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The most idle connections that are kept. Beyond it the one that was silent for longest is closed, whichever client it
 * belongs to.
 */
const MAX_IDLE = 4_096;

/** The responses of each server that are not finished. */
const underWay = new WeakMap<Server, Set<ServerResponse>>();
const draining = new WeakSet<Server>();

/**
 * Keeps idle connections open, so that the proxy in front is the one that closes them. When both may close, a request
 * can reach a connection that was closed a moment ago, and its client gets a 502. `keepMs` is longer than the proxy's
 * own timeout.
 */
export function keepIdleConnections(server: Server, keepMs: number, maxIdle = MAX_IDLE): void {
  server.keepAliveTimeout = keepMs;
  /**
   * The number of unfinished responses on each connection: a client may send its next request before it has the
   * response to the last one.
   */
  const answering = new WeakMap<Socket, number>();
  /** Idle connections, in the order in which they became idle. */
  const idle = new Set<Socket>();
  const responses = new Set<ServerResponse>();
  underWay.set(server, responses);

  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    if (!answering.has(socket)) socket.once('close', () => idle.delete(socket));
    answering.set(socket, (answering.get(socket) ?? 0) + 1);
    idle.delete(socket);
    responses.add(response);
    if (draining.has(server)) response.setHeader('Connection', 'close');
    response.once('close', () => {
      responses.delete(response);
      const left = answering.get(socket)! - 1;
      answering.set(socket, left);
      if (left > 0 || socket.destroyed) return;
      idle.add(socket);
      const [longest] = idle;
      if (idle.size > maxIdle) longest!.destroy();
    });
  });
}

/**
 * Closes idle connections at once, and every other connection after its response, so that the next request goes to
 * another process. What arrives meanwhile is served.
 */
export function letGoOfConnections(server: Server): void {
  draining.add(server);
  for (const response of underWay.get(server) ?? [])
    if (!response.headersSent) response.setHeader('Connection', 'close');
  server.closeIdleConnections();
}
