import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { LISTENING_PAGE } from './scripted-server';

/**
 * A page that uses the stream exactly as a frontend of the original system does: a native EventSource with the token in
 * its address, and a listener for each of the four event names.
 */
const PAGE = `<!doctype html><meta charset="utf-8"><title>Alerts</title><ul id="alerts"></ul><script>
  const { searchParams } = new URL(location.href);
  const source = new EventSource(searchParams.get('api') + '/api/events?token=' + encodeURIComponent(searchParams.get('token')));
  window.log = [];
  source.onopen = () => window.log.push('open');
  source.onerror = () => window.log.push('error ' + source.readyState);
  source.onmessage = () => window.log.push('message');
  for (const name of ['connection', 'heartbeat', 'inventory_alert', 'notification']) {
    source.addEventListener(name, (event) => {
      const data = JSON.parse(event.data);
      window.log.push(name);
      if (!data.title) return;
      const line = document.createElement('li');
      line.textContent = name + ' ' + data.service + ': ' + data.title;
      document.getElementById('alerts').append(line);
    });
  }
</script>`;

/**
 * Serves that page, and at `/listening` a page that tests control. It passes requests under `/api` to a gateway, as an
 * ingress on one origin does.
 */
export class PageServer {
  /** The gateway's address for `/api`. Undefined: there is no gateway, and connections break. */
  gateway: string | undefined;
  /** If set, requests under `/api` get this status with an HTML page, as from a proxy without a backend. */
  refusal: number | undefined;
  /**
   * Further paths of this server. The function returns the body, whose content type follows from the path's ending, or
   * a number, which is the status.
   */
  readonly files = new Map<string, () => string | number>();
  /** Whether it passes all paths to the gateway, not only `/api`: the page is then the gateway's own. */
  passesAll = false;
  /** How many streams are open now and have sent their `connection` frame. */
  openStreams = 0;
  /** Every request for `/api`: its address and headers, and when it came in milliseconds of `performance.now()`. */
  readonly asked: { url: string; headers: IncomingHttpHeaders; at: number }[] = [];
  private readonly server: Server = createServer((asked, answer) => this.serve(asked, answer));

  static async start(): Promise<PageServer> {
    const page = new PageServer();
    await new Promise<void>((resolve) => page.server.listen(0, '127.0.0.1', resolve));
    return page;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The same server under `localhost`, which browsers trust without TLS: there they keep a `Secure` cookie. */
  get trustedOrigin(): string {
    return this.origin.replace('127.0.0.1', 'localhost');
  }

  /** The page's address; `api` is the origin of the stream, the page's own by default. */
  address(token: string, api = ''): string {
    return `${this.origin}/?${new URLSearchParams({ token, api }).toString()}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(asked: IncomingMessage, answer: ServerResponse): void {
    if (!this.passesAll && asked.url?.startsWith('/?'))
      return void answer.writeHead(200, { 'Content-Type': 'text/html' }).end(PAGE);
    if (asked.url === '/listening')
      return void answer.writeHead(200, { 'Content-Type': 'text/html' }).end(LISTENING_PAGE);
    const path = asked.url?.split('?')[0] ?? '/';
    const file = this.files.get(path);
    if (file) {
      const said = file();
      if (typeof said === 'number') return void answer.writeHead(said).end();
      return void answer.writeHead(200, { 'Content-Type': typeOf(path), 'Cache-Control': 'no-store' }).end(said);
    }
    if (!asked.url || (!this.passesAll && !asked.url.startsWith('/api/'))) return void answer.writeHead(404).end();
    this.asked.push({ url: asked.url, headers: asked.headers, at: performance.now() });
    if (this.refusal)
      return void answer.writeHead(this.refusal, { 'Content-Type': 'text/html' }).end('<h1>Service Unavailable</h1>');
    if (!this.gateway) return void asked.socket.destroy();
    const passedOn = request(
      `${this.gateway}${asked.url}`,
      { method: asked.method, headers: asked.headers, agent: false },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        answer.flushHeaders();
        if (response.headers['content-type']?.startsWith('text/event-stream')) this.countOnceLive(response, answer);
        response.pipe(answer);
        response.on('error', () => answer.destroy());
      },
    );
    passedOn.on('error', () => asked.socket.destroy());
    answer.on('close', () => passedOn.destroy());
    asked.pipe(passedOn);
  }

  /**
   * Counts a stream from its first frame, not from its head: only then does it have a position in the event log, and
   * alerts published before may not reach it.
   */
  private countOnceLive(response: IncomingMessage, answer: ServerResponse): void {
    let said = '';
    let isLive = false;
    const listen = (chunk: Buffer) => {
      said += chunk.toString('latin1');
      if (!said.includes('event: connection')) return;
      isLive = true;
      this.openStreams += 1;
      response.off('data', listen);
    };
    response.on('data', listen);
    answer.on('close', () => (this.openStreams -= Number(isLive)));
  }
}

const typeOf = (path: string): string =>
  path.endsWith('.html')
    ? 'text/html'
    : path.endsWith('.js')
      ? 'text/javascript'
      : path.endsWith('.css')
        ? 'text/css'
        : 'text/plain';
