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
 * What a frontend of the original system does with a stream, and nothing else: a native EventSource with the token in its
 * address, and a listener for each of the four names.
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

/** The server of that page, and at `/listening` of one that tests drive. Under `/api` it passes everything on to a gateway, as an ingress on one origin does. */
export class PageServer {
  /** Where `/api` leads. Undefined: nobody is there, and connections break. */
  gateway: string | undefined;
  /** What a proxy answers under `/api` while it has nobody to pass on to: a status, with a page of its own. */
  refusal: number | undefined;
  /** Further addresses of this server, each with what makes its answer at the moment: a page by `.html`, else a script, else text; a number is a status. */
  readonly files = new Map<string, () => string | number>();
  /** Whether it passes every address on, not `/api` alone: then the page is the gateway's own. */
  passesAll = false;
  /** Streams that are open at this moment and have had their `connection` frame. */
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

  /** The same server under the name that browsers trust without TLS: there they keep a cookie that is `Secure`. */
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
    if (asked.url?.startsWith('/?')) return void answer.writeHead(200, { 'Content-Type': 'text/html' }).end(PAGE);
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

  /** A stream has its place in the log with its first frame, not with its head: what is published before may be older. */
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
