import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@tocsin/contracts/testing';
import { Canaries } from './canaries';

interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue?: string; intValue?: number | string } }[];
  status: { code?: number; message?: string };
}

interface ExportRequest {
  resourceSpans: {
    resource: { attributes: OtlpSpan['attributes'] };
    scopeSpans: { spans: OtlpSpan[] }[];
  }[];
}

/** A span as a receiver sees it, with its times in epoch milliseconds. */
export interface ReceivedSpan {
  service: string;
  name: string;
  trace: string;
  id: string;
  parent: string | undefined;
  startedAt: number;
  endedAt: number;
  attributes: Record<string, string | number | undefined>;
  failed: string | undefined;
}

const valuesOf = (attributes: OtlpSpan['attributes']): ReceivedSpan['attributes'] =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? (value.intValue === undefined ? undefined : Number(value.intValue)),
    ]),
  );

/** A receiver of OTLP over HTTP in JSON, as a collector is one. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** The paths and the headers of the requests. */
  readonly requests: { path: string; headers: NodeJS.Dict<string | string[]> }[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.requests.push({ path: request.url!, headers: request.headers });
        this.take(JSON.parse(Buffer.concat(chunks).toString()) as ExportRequest);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    return receiver;
  }

  /** The settings of an app that sends its spans here, at once. */
  get environment(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    };
  }

  ofTrace(trace: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.trace === trace);
  }

  /** Waits until a trace has spans of these names, and returns them by their names. */
  async named<N extends string>(trace: string, names: readonly N[]): Promise<Record<N, ReceivedSpan>> {
    await eventually(async () => {
      expect(this.ofTrace(trace).map(({ name }) => name)).toEqual(expect.arrayContaining([...names]));
    }, 20_000);
    return Object.fromEntries(this.ofTrace(trace).map((span) => [span.name, span])) as Record<N, ReceivedSpan>;
  }

  /** Fails when a token stands in a span. */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
    new Canaries().expectNoneIn(JSON.stringify(this.spans), 'a span');
  }

  private take({ resourceSpans }: ExportRequest): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = String(valuesOf(resource.attributes)['service.name']);
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({
          service,
          name: span.name,
          trace: span.traceId,
          id: span.spanId,
          parent: span.parentSpanId || undefined,
          startedAt: Number(span.startTimeUnixNano) / 1e6,
          endedAt: Number(span.endTimeUnixNano) / 1e6,
          attributes: valuesOf(span.attributes),
          failed: span.status.message,
        });
      }
    }
  }
}
