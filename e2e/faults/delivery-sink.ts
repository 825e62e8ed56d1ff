import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call of the sink: an attempt that a provider has seen. */
export interface SinkCall {
  delivery_id: string;
  channel: string;
  attempt: number;
  pid: number;
  /** When it arrived, by the clock of this process. */
  at: number;
}

/** What the sink does with a call. `silent`: it never answers. */
export type SinkAnswer = 'accept' | 'fail' | 'silent';

/** The provider of all channels in tests: it keeps every call before it answers. */
export class DeliverySink {
  readonly calls: SinkCall[] = [];
  /** Called for each call, after it is kept and before it is answered. */
  answer: (call: SinkCall) => SinkAnswer | Promise<SinkAnswer> = () => 'accept';
  private readonly server = createServer((request, response) => void this.take(request, response));

  static async start(): Promise<DeliverySink> {
    const sink = new DeliverySink();
    await new Promise<void>((resolve) => sink.server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** How often each delivery of a channel was seen. */
  timesSeen(channel?: string): Map<string, number> {
    const times = new Map<string, number>();
    for (const call of this.calls)
      if (channel === undefined || call.channel === channel)
        times.set(call.delivery_id, (times.get(call.delivery_id) ?? 0) + 1);
    return times;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const call: SinkCall = { ...(JSON.parse(body) as Omit<SinkCall, 'at'>), at: performance.now() };
    this.calls.push(call);
    const answer = await this.answer(call);
    if (answer === 'silent') return;
    response.writeHead(answer === 'accept' ? 200 : 503).end();
  }
}
