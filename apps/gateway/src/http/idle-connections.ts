import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Idle connections that are kept at most: beyond it the one that was silent for longest goes, whoever keeps it open. */
export const MAX_IDLE = 4_096;

/** Answers under way of each server. */
const underWay = new WeakMap<Server, Set<ServerResponse>>();
const draining = new WeakSet<Server>();

/**
 * Keeps connections on which nothing is asked, so that the proxy in front is the one that closes them: when both may, a
 * request can meet a connection that was closed a moment ago, and its client a 502. `keepMs` is longer than the proxy's own time.
 */
export function keepIdleConnections(server: Server, keepMs: number, maxIdle = MAX_IDLE): void {
  server.keepAliveTimeout = keepMs;
  /** Answers under way on each connection: a client may send its next request before it has one. */
  const answering = new WeakMap<Socket, number>();
  /** In the order in which they became idle. */
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

/** Closes the connections that are idle, at once, and each other one with its answer: nothing is asked of this process any more. */
export function letGoOfConnections(server: Server): void {
  draining.add(server);
  for (const response of underWay.get(server) ?? [])
    if (!response.headersSent) response.setHeader('Connection', 'close');
  server.closeIdleConnections();
}
