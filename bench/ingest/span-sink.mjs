// A receiver of spans that reads and forgets them, as a collector on another machine costs this one nothing.
import { once } from 'node:events';
import { createServer } from 'node:http';

export class SpanSink {
  /** How many requests with spans have come. */
  received = 0;
  #server = createServer((request, response) => {
    this.received += 1;
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });

  static async open() {
    const sink = new SpanSink();
    sink.#server.listen(0, '127.0.0.1');
    await once(sink.#server, 'listening');
    return sink;
  }

  /** The settings of a process that records this share of the traces that begin with it, and sends them here. */
  environment(share) {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.address().port}`,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: share,
    };
  }

  async close() {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
