import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';

/** An event stream over HTTP/2 with TLS. It keeps the text, and knows when something arrived. */
export class Http2Stream {
  text = '';
  private readonly waiting = new Set<() => void>();

  private constructor(
    private readonly session: ClientHttp2Session,
    readonly status: number,
    body: NodeJS.ReadableStream,
  ) {
    body.setEncoding('utf8');
    body.on('data', (piece: string) => {
      this.text += piece;
      for (const look of [...this.waiting]) look();
    });
    body.on('error', () => undefined);
  }

  /** Rejects when the server does not offer HTTP/2. */
  static async open(
    url: string,
    { headers, ca }: { headers: Record<string, string>; ca: string },
  ): Promise<Http2Stream> {
    const { origin, pathname } = new URL(url);
    const session = connect(origin, { ca });
    session.on('error', () => undefined);
    await once(session, 'connect', { signal: AbortSignal.timeout(5_000) });
    const request = session.request({ ':path': pathname, accept: 'text/event-stream', ...headers });
    const [head] = (await once(request, 'response', { signal: AbortSignal.timeout(5_000) })) as [{ ':status': number }];
    return new Http2Stream(session, head[':status'], request);
  }

  /** Resolves when these words have arrived, to that time in milliseconds of `performance.now()`. */
  has(words: string, timeoutMs = 10_000): Promise<number> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!this.text.includes(words)) return;
        clearTimeout(late);
        this.waiting.delete(look);
        resolve(performance.now());
      };
      const late = setTimeout(() => reject(new Error(`no ${words} within ${timeoutMs} ms: ${this.text}`)), timeoutMs);
      this.waiting.add(look);
      look();
    });
  }

  close(): void {
    this.session.destroy();
  }
}
