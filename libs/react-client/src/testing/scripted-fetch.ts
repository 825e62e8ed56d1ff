/** A stream that a test writes to. */
export interface OpenStream {
  url: string;
  headers: Headers;
  say(event: string, data: object, id?: string): void;
  write(text: string): void;
  /** Ends the stream as a server does that closes it. */
  end(): void;
  /** Ends the stream as a broken network does. */
  break(): void;
  /** Whether the client has aborted the request. */
  readonly aborted: boolean;
}

type Answer = Response | Error | 'stream' | 'silence';

/** A `fetch` that returns the responses of `answers` in turn, and a stream when none is left. */
export class ScriptedFetch {
  readonly asked: { url: string; headers: Headers; method: string; body: unknown }[] = [];
  readonly streams: OpenStream[] = [];
  answers: Answer[] = [];

  readonly fetch: typeof fetch = async (input, init) => {
    const url = String(input);
    const headers = new Headers(init?.headers);
    this.asked.push({
      url,
      headers,
      method: init?.method ?? 'GET',
      body: init?.body ? (JSON.parse(init.body as string) as unknown) : undefined,
    });
    const answer = this.answers.shift() ?? 'stream';
    const signal = init?.signal;
    signal?.throwIfAborted();
    if (answer instanceof Error) throw answer;
    if (answer === 'silence')
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    return answer === 'stream' ? this.stream(url, headers, signal ?? undefined) : answer;
  };

  get last(): OpenStream {
    return this.streams.at(-1)!;
  }

  private stream(url: string, headers: Headers, signal?: AbortSignal): Response {
    const encoder = new TextEncoder();
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
    signal?.addEventListener('abort', () => {
      try {
        controller.error(signal.reason);
      } catch {
        // the stream had ended already
      }
    });
    const write = (text: string) => controller.enqueue(encoder.encode(text));
    this.streams.push({
      url,
      headers,
      write,
      say: (event, data, id) =>
        write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
      end: () => controller.close(),
      break: () => controller.error(new TypeError('network error')),
      get aborted() {
        return signal?.aborted ?? false;
      },
    });
    return new Response(body, { status: 200, headers: { 'Content-Type': 'text/event-stream' } });
  }
}

export const problem = (status: number, code: string, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify({ type: 'about:blank', title: code, status, code, detail: `about ${code}` }), {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
  });

export const html = (status: number, headers: Record<string, string> = {}): Response =>
  new Response('<html>Service Unavailable</html>', { status, headers: { 'Content-Type': 'text/html', ...headers } });
