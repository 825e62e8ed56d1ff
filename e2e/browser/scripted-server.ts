import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A page that can listen to any stream with `listen(url, names)`; the events are in `heard`. */
export const LISTENING_PAGE = `<!doctype html><meta charset="utf-8"><title>Listening</title><script>
  window.heard = [];
  window.listen = (url, names) => {
    const source = (window.source = new EventSource(url));
    source.onopen = () => heard.push({ event: 'open' });
    source.onerror = () => heard.push({ event: 'error', state: source.readyState });
    for (const name of names) source.addEventListener(name, ({ data, lastEventId }) => heard.push({ event: name, data, lastEventId }));
  };
</script>`;

/**
 * One connection attempt of an EventSource: its time, in milliseconds of `performance.now()`, and the header that it
 * sent.
 */
export interface Asked {
  at: number;
  lastEventId: string | undefined;
}

/** Responds to each request for `/stream` with the next of `answers`, and to every other request with the page. */
export class ScriptedServer {
  readonly asked: Asked[] = [];
  /** The responses, used in turn. When none is left, a stream without frames is sent. */
  answers: ((response: ServerResponse) => void)[] = [];
  private readonly server: Server = createServer((request, response) => this.serve(request, response));

  static async start(): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    await new Promise<void>((resolve) => scripted.server.listen(0, '127.0.0.1', resolve));
    return scripted;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    if (request.url !== '/stream')
      return void response.writeHead(200, { 'Content-Type': 'text/html' }).end(LISTENING_PAGE);
    this.asked.push({ at: performance.now(), lastEventId: request.headers['last-event-id'] as string | undefined });
    const answer = this.answers.shift() ?? streamOf();
    answer(response);
  }
}

/** A response that sends these pieces, each in its own packet, and stays open. */
export const streamOf =
  (...pieces: (string | Buffer)[]) =>
  (response: ServerResponse): void => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.flushHeaders();
    pieces.forEach((piece, i) => setTimeout(() => response.write(piece), i * 20));
  };
